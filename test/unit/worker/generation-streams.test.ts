/** Streams of a language model: written as they are read, ended when the model goes, with what they failed with. */
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { GenerationEvent } from '../../../packages/sdk/src/contract/index.js'
import { EdgewardError } from '../../../packages/sdk/src/errors/index.js'
import type { TextGenerator } from '../../../packages/sdk/src/generation/index.js'
import { GenerationStreams } from '../../../packages/sdk/src/worker/generation-streams.js'
import { StreamLanes } from '../../../packages/sdk/src/worker/stream-lanes.js'
import { FakeModel } from '../generation/support/fake-model.js'
import { generatorOf } from '../generation/support/generate.js'
import { everywhere } from '../router/inputs.js'

const payload = {
  model: 'm@1',
  backend: 'wasm',
  variant: 'fp32',
  lane: 'interactive',
  input: { prompt: 'a' },
  options: {},
} as const

/** Writes `count` deltas and the end, each when it is asked for; counts them, and those that were ended early. */
function generator(count: number, fail?: Error) {
  const seen = { steps: 0, ended: 0, signal: undefined as AbortSignal | undefined }
  const generate: TextGenerator['generate'] = async function* (_request, signal) {
    seen.signal = signal
    try {
      for (; seen.steps < count; seen.steps += 1) {
        signal.throwIfAborted()
        yield { type: 'delta', text: 'x', tokenIds: [1] }
      }
      if (fail !== undefined) throw fail
      yield { type: 'finish', reason: 'stop', usage: {}, timings: {} }
    } finally {
      seen.ended += 1
    }
  }
  const none = () => {
    throw new Error('not asked for here')
  }
  return { seen, generate, encode: none, decode: none, render: none, dispose: vi.fn<() => void>() }
}

function streams(of: ReturnType<typeof generator>) {
  const dispose = vi.fn<() => Promise<void>>(() => Promise.resolve())
  const lanes = new StreamLanes(everywhere)
  return { streams: new GenerationStreams(of, [{ dispose }], lanes), dispose, lanes }
}

async function all(stream: ReadableStream<GenerationEvent>): Promise<string> {
  const types: string[] = []
  const reader = stream.getReader()
  for (let next = await reader.read(); !next.done; next = await reader.read()) types.push(next.value.type)
  return types.join(' ')
}

describe('a stream', () => {
  test('has what is generated, and then ends', async () => {
    const { stream, ended } = streams(generator(2)).streams.open(payload)
    expect(await all(stream)).toBe('delta delta finish')
    await ended
  })

  test('generates nothing before it is read, and no more than is read', async () => {
    const of = generator(9)
    const reader = streams(of).streams.open(payload).stream.getReader()
    await Promise.resolve()
    expect(of.seen.signal).toBeUndefined()
    await reader.read()
    await reader.read()
    expect(of.seen.steps).toBe(1)
    await reader.cancel()
  })

  test('that nobody reads for a minute gives back what it holds, and says what the router goes on after', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const of = generator(9)
    const { stream, ended } = streams(of).streams.open(payload)
    const reader = stream.getReader()
    await reader.read()
    await vi.advanceTimersByTimeAsync(59_000)
    await reader.read()
    await vi.advanceTimersByTimeAsync(59_000)
    expect(of.seen.ended).toBe(0)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(of.seen.ended).toBe(1)
    await ended
    await expect(reader.read()).rejects.toMatchObject({ code: 'WORKER_DIED', details: { replaced: true } })
  })

  test('that has ended leaves no timer', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    await all(streams(generator(2)).streams.open(payload).stream)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('that is cancelled ends the generation, and does not count as failed', async () => {
    const of = generator(9)
    const { stream, ended } = streams(of).streams.open(payload)
    const reader = stream.getReader()
    await reader.read()
    await reader.cancel(new DOMException('Enough.', 'AbortError'))
    await ended
    expect(of.seen).toMatchObject({ steps: 0, ended: 1, signal: { aborted: true } })
  })

  test('fails with the code of what was thrown, and so does its end', async () => {
    const lost = new EdgewardError('GPU_LOST', 'gone')
    const { stream, ended } = streams(generator(1, lost)).streams.open(payload)
    const over = expect(ended).rejects.toBe(lost)
    await expect(all(stream)).rejects.toBe(lost)
    await over
  })

  test('says what an error of nobody’s intention is', async () => {
    const { stream, ended } = streams(generator(0, new TypeError('undefined is not a function'))).streams.open(payload)
    ended.catch(() => undefined)
    await expect(all(stream)).rejects.toMatchObject({ code: 'INTERNAL' })
    const short = streams(generator(0, new RangeError('Array buffer allocation failed'))).streams.open(payload)
    short.ended.catch(() => undefined)
    await expect(all(short.stream)).rejects.toMatchObject({ code: 'OUT_OF_MEMORY' })
  })

  test('has its steps in the lane that it was asked for in', async () => {
    const of = generator(1)
    const { streams: open, lanes } = streams(of)
    await all(open.open(payload).stream)
    expect(of.seen.signal && lanes.turnOf(of.seen.signal)).toMatchObject({ lane: 'interactive' })
    expect(lanes.turnOf(new AbortController().signal)).toMatchObject({ lane: 'default' })
  })

  test('has its steps in that lane also with the signal that the decode loop gives the model', async () => {
    const lanes = new StreamLanes(everywhere)
    const steps: string[] = []
    const model = new FakeModel({ onAppend: (_, signal) => void steps.push(lanes.turnOf(signal).lane) })
    const of = generatorOf(model, { onSignal: (own, given) => lanes.follow(own, given) })
    const open = new GenerationStreams(of, [], lanes)
    await all(open.open({ ...payload, lane: 'background', options: { temperature: 0, maxTokens: 2 } }).stream)
    await all(open.open({ ...payload, options: { temperature: 0, maxTokens: 2 } }).stream)
    expect([...new Set(steps)]).toEqual(['background', 'interactive'])
  })
})

test('when the model goes, every stream fails with DISPOSED, also one that nobody reads just now', async () => {
  const of = generator(9)
  const { streams: open, dispose } = streams(of)
  const { stream, ended } = open.open(payload)
  const reader = stream.getReader()
  await reader.read()
  await open.dispose()
  await ended
  await expect(reader.read()).rejects.toMatchObject({ code: 'DISPOSED' })
  expect([of.dispose, dispose].map((free) => free.mock.calls.length)).toEqual([1, 1])
})

test('when its device is lost, every stream fails with that', async () => {
  const { streams: open } = streams(generator(9))
  const reader = open.open(payload).stream.getReader()
  await reader.read()
  const lost = new EdgewardError('GPU_LOST', 'gone')
  await open.dispose(lost)
  await expect(reader.read()).rejects.toBe(lost)
})
