import { describe, expect, it } from 'vitest'
import { GenerationStream, type Generating } from '../../../../packages/sdk/src/api/generation-stream.js'
import { merge } from '../../../../packages/sdk/src/api/generation/merge.js'
import type { GenerationOutput, Result } from '../../../../packages/sdk/src/contract/index.js'

const answer = { output: { text: 'ab' } } as Result<GenerationOutput> // What is read of it here.

function generation(onEnd: (how: string) => void = () => undefined, failure?: Error) {
  async function* write(): Generating {
    let how = 'stopped'
    try {
      yield { index: 0, type: 'text-delta', text: 'a' }
      if (failure) throw failure
      yield { index: 0, type: 'text-delta', text: 'b' }
      how = 'written'
      return answer
    } finally {
      onEnd(how)
    }
  }
  return new GenerationStream(async () => write())
}

const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))

async function textOf(stream: GenerationStream) {
  let text = ''
  for await (const part of stream) if (part.type === 'text-delta') text += part.text
  return text
}

describe('an answer', () => {
  it('is read part by part, and told whole afterwards', async () => {
    const stream = generation()
    expect(await textOf(stream)).toBe('ab')
    expect(await stream.result).toBe(answer)
  })

  it('may be asked for whole before it is read in a loop', async () => {
    const stream = generation()
    const { result } = stream
    expect(await textOf(stream)).toBe('ab')
    expect(await result).toBe(answer)
  })

  it('is written for who waits for its text alone', async () => {
    expect(await generation().text).toBe('ab')
  })

  it('ends when its reader stops, and says so to who waits for all of it', async () => {
    const ends: string[] = []
    const stream = generation((how) => ends.push(how))
    for await (const part of stream) {
      expect(part.type).toBe('text-delta')
      break
    }
    expect(ends).toEqual(['stopped'])
    await expect(stream.result).rejects.toThrow('not read to its end')
  })

  it('ends when its reader stops while it waits for a part', async () => {
    let isAborted = false
    const stream = new GenerationStream(async (leaving) =>
      (async function* (): Generating {
        yield { index: 0, type: 'text-start' }
        await aborted(leaving)
        isAborted = true
        throw leaving.reason
      })(),
    )
    const parts = stream[Symbol.asyncIterator]()
    await parts.next()
    const pending = parts.next()
    await parts.return()
    expect(isAborted).toBe(true)
    expect(await pending).toEqual({ done: true, value: undefined })
    await expect(stream.result).rejects.toThrow('not read to its end')
  })

  it('says so also to who waits for all of it when its reader stops before the first part', async () => {
    const stream = generation()
    await stream[Symbol.asyncIterator]().return()
    await expect(stream.result).rejects.toThrow('not read to its end')
  })

  it('fails its reader and who waits for it alike', async () => {
    const failure = new Error('no')
    const stream = generation(() => undefined, failure)
    await expect(textOf(stream)).rejects.toBe(failure)
    await expect(stream.result).rejects.toBe(failure)
    await expect(generation(() => undefined, failure).text).rejects.toBe(failure)
  })

  it('is read once', async () => {
    const stream = generation()
    await textOf(stream)
    expect(() => stream[Symbol.asyncIterator]()).toThrow('read already')
  })

  it('begins when it is read, and not before', async () => {
    let isStarted = false
    const stream = new GenerationStream(async () => {
      isStarted = true
      return (async function* (): Generating {
        yield { index: 0, type: 'text-start' }
        return answer
      })()
    })
    expect(isStarted).toBe(false)
    await stream.result
    expect(isStarted).toBe(true)
  })
})

describe('several answers', () => {
  it('end at once when one of them fails while the others wait', async () => {
    const failure = new Error('no')
    const leaving = new AbortController()
    async function* waiting(): AsyncGenerator<number, string> {
      await aborted(leaving.signal)
      yield* []
      throw leaving.signal.reason
    }
    async function* failing(): AsyncGenerator<number, string> {
      yield 0
      throw failure
    }
    const all = merge([waiting(), failing()], () => leaving.abort())
    await all.next()
    await expect(all.next()).rejects.toBe(failure)
  })

  async function* count(to: number, onEnd: () => void): AsyncGenerator<number, string> {
    try {
      for (let at = 0; at < to; at += 1) yield at
      return `to ${to}`
    } finally {
      onEnd()
    }
  }

  it('come side by side, and each returns its own', async () => {
    const all = merge([count(3, () => undefined), count(1, () => undefined)], () => undefined)
    const seen: [number, number][] = []
    let next = await all.next()
    for (; !next.done; next = await all.next()) seen.push([next.value.index, next.value.value])
    expect(next.value).toEqual(['to 3', 'to 1'])
    expect(seen.filter(([index]) => index === 0).map(([, value]) => value)).toEqual([0, 1, 2])
    expect(seen.slice(0, 2).map(([index]) => index)).toEqual([0, 1])
  })

  it('all end when the reader stops', async () => {
    let ended = 0
    const all = merge([count(9, () => (ended += 1)), count(9, () => (ended += 1))], () => undefined)
    await all.next()
    await all.return([])
    expect(ended).toBe(2)
  })
})
