/** Notes of the page, where storage works, refuses, and is missing. */
import { describe, expect, it } from 'vitest'
import { createPageStore } from '../../../packages/sdk/src/device/index.js'

/** Keeps what it is given as `localStorage` does: as own properties. */
function storage({ isFull = () => false }: { isFull?: () => boolean } = {}): Storage {
  const items: Record<string, string> = {}
  const methods = {
    getItem: (key: string) => items[key] ?? null,
    setItem(key: string, text: string) {
      if (isFull()) throw new DOMException('full', 'QuotaExceededError')
      items[key] = text
    },
    removeItem(key: string) {
      delete items[key]
    },
  }
  return new Proxy(items, {
    get: (_items, name) => (name in methods ? methods[name as keyof typeof methods] : items[name as string]),
  }) as unknown as Storage
}

describe('a note', () => {
  it('comes back as JSON gives it, and is gone when it is taken away', () => {
    const store = createPageStore(storage())
    store.write('a', { b: [1, 'two'] })
    expect(store.read('a')).toEqual({ b: [1, 'two'] })
    store.write('a', undefined)
    expect(store.read('a')).toBeUndefined()
    expect(store.keys('')).toEqual([])
  })

  it('that others have written badly counts as none', () => {
    const kept = storage()
    kept.setItem('a', '{"cut off')
    expect(createPageStore(kept).read('a')).toBeUndefined()
  })

  it('that storage refuses is kept by this page, and is newer than what storage has', () => {
    let isFull = false
    const kept = storage({ isFull: () => isFull })
    const store = createPageStore(kept)
    store.write('a', 'old')
    isFull = true
    store.write('a', 'new')
    expect(store.read('a')).toBe('new')
    expect(store.keys('a')).toEqual(['a'])
    expect(createPageStore(kept).read('a')).toBe('old')
    isFull = false
    store.write('a', 'newest')
    expect(createPageStore(kept).read('a')).toBe('newest')
  })

  it('is kept by the page alone where there is no storage', () => {
    const store = createPageStore()
    store.write('edgeward:a', 1)
    expect(store.read('edgeward:a')).toBe(1)
    expect(store.keys('edgeward:')).toEqual(['edgeward:a'])
    expect(createPageStore().read('edgeward:a')).toBeUndefined()
  })

  it('is found by the beginning of its key', () => {
    const store = createPageStore(storage())
    for (const key of ['edgeward:x:1', 'edgeward:x:2', 'edgeward:y', 'theirs']) store.write(key, true)
    expect(store.keys('edgeward:x:').toSorted()).toEqual(['edgeward:x:1', 'edgeward:x:2'])
  })
})
