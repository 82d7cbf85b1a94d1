/** The placements that are ready: the least recently used make room, and none that somebody works with. */
import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { ReadyPlacements } from '../../../packages/sdk/src/runtime/ready-placements.js'
import { createDeferred } from '../../../packages/sdk/src/shared/index.js'

const placeOf = (model: string) => ({ model, backend: 'wasm', variant: 'fp32', threads: 1 }) as const

function create(unload: () => Promise<unknown> = () => Promise.resolve()) {
  const unloaded: string[] = []
  const placements = new ReadyPlacements(({ model }) => {
    unloaded.push(model)
    return unload()
  })
  const add = (model: string, bytes: number) => placements.add(model, placeOf(model), bytes)
  const hold = (model: string, bytes: number) => placements.hold(model, placeOf(model), bytes)
  return { placements, unloaded, add, hold }
}

it('unloads the least recently used ones until the rest fits, and no more', async () => {
  const { placements, unloaded, add, hold } = create()
  for (const model of ['a', 'b', 'c']) add(model, 10)
  hold('a', 10)()
  await placements.makeRoom(30)
  expect(unloaded).toEqual([])
  await placements.makeRoom(20)
  expect(unloaded).toEqual(['b'])
  expect(['a', 'b', 'c'].map((model) => placements.isReady(model))).toEqual([true, false, true])
})

it('counts what is on its way, and never unloads what somebody holds', async () => {
  const { placements, unloaded, add, hold } = create()
  add('idle', 10)
  add('busy', 10)
  const letGo = hold('busy', 10)
  hold('coming', 10)
  await placements.makeRoom(5)
  expect(unloaded).toEqual(['idle'])
  letGo()
  await placements.makeRoom(10)
  expect(unloaded).toEqual(['idle', 'busy'])
})

it('resolves only when what had to go is gone; one that cannot be freed stops nobody', async () => {
  const gone = createDeferred<undefined>()
  const { placements, add } = create(() => gone.promise)
  add('a', 10)
  const done = vi.fn()
  const making = Promise.all([placements.makeRoom(0), placements.makeRoom(0)]).then(done)
  await Promise.resolve()
  expect(done).not.toHaveBeenCalled()
  gone.reject(new Error('it would not go'))
  await making
  expect(await placements.unloadOldest()).toBe(false)
})

it('forgets what is lost, and what never got ready when the last who held it lets go', async () => {
  const { placements, add, hold } = create()
  add('lost', 10)
  const letGo = hold('lost', 10)
  placements.forgetAll('webgpu')
  expect(placements.isReady('lost')).toBe(true)
  placements.forgetAll('wasm')
  expect(placements.isReady('lost')).toBe(false)
  letGo()
  hold('never ready', 10)()
  expect(await placements.unloadOldest()).toBe(false)
})

it('whatever happens: it keeps the budget where it can, and what is held stays', async () => {
  const models = fc.constantFrom('a', 'b', 'c', 'd')
  const step = fc.oneof(
    fc.record({ what: fc.constant('use' as const), model: models }),
    fc.record({ what: fc.constant('hold' as const), model: models }),
    fc.record({ what: fc.constant('let go' as const), model: models }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const { placements, unloaded, add, hold } = create()
      const held = new Map<string, () => void>()
      for (const { what, model } of steps) {
        if (what === 'use') add(model, 10)
        else if (what === 'hold' && !held.has(model)) {
          add(model, 10)
          held.set(model, hold(model, 10))
        } else if (what === 'let go') {
          held.get(model)?.()
          held.delete(model)
        }
        unloaded.length = 0
        await placements.makeRoom(20)
        expect(unloaded.filter((gone) => held.has(gone))).toEqual([])
        const ready = ['a', 'b', 'c', 'd'].filter((name) => placements.isReady(name))
        expect(ready.length).toBeLessThanOrEqual(Math.max(2, held.size))
      }
    }),
  )
})
