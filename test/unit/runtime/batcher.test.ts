/** Requests that wait together are answered by one run; what befalls one of them leaves the others. */
import { expect, it, vi } from 'vitest'
import type { EngineAnswer, EngineRequest, TaskBatching, TaskName } from '../../../packages/sdk/src/contract/index.js'
import { EdgewardError } from '../../../packages/sdk/src/errors/index.js'
import { Batcher, maxBatch, type Answer } from '../../../packages/sdk/src/runtime/batcher.js'
import { createDeferred, neverAborted } from '../../../packages/sdk/src/shared/index.js'
import { batchingOf } from '../../../packages/sdk/src/tasks/page.js'
import { batchedTexts } from './batched-manifest.js'

const batching = batchingOf('feature-extraction', batchedTexts, 'fp32') as TaskBatching<TaskName>

const requestFor = (input: string | readonly string[], more: Partial<EngineRequest> = {}): EngineRequest => ({
  model: 'model',
  task: 'feature-extraction',
  input,
  options: {},
  lane: 'background',
  ...more,
})

const textsOf = ({ input }: EngineRequest) => (typeof input === 'string' ? [input] : (input as readonly string[]))
/** Each text's vector is its length. */
const vectorsOf = (request: EngineRequest) => textsOf(request).map((text) => Float32Array.of(text.length))

/** A batcher whose slot is taken until `open` is called, and the texts of the runs since then. */
function busyBatcher(behaviour: (request: EngineRequest, signal: AbortSignal) => unknown = () => undefined) {
  const gate = createDeferred<undefined>()
  const runs: (readonly string[])[] = []
  const answer: Answer = async (request, signal): Promise<EngineAnswer> => {
    if (textsOf(request)[0] === 'first') await gate.promise
    else runs.push(textsOf(request))
    await behaviour(request, signal)
    return { output: vectorsOf(request), timings: { inferenceMs: 1 } }
  }
  const batcher = new Batcher()
  const ask = (request: EngineRequest, signal = neverAborted()) =>
    batcher.run('kind', batching, request, signal, answer)
  const first = ask(requestFor('first'))
  return { ask, runs, first, open: () => gate.resolve(undefined) }
}

it('answers the first at once, and all that wait meanwhile by one run, each with its own', async () => {
  const { ask, runs, first, open } = busyBatcher()
  const waiting = [ask(requestFor('a')), ask(requestFor(['bb', 'ccc']))]
  open()
  expect(await first).toEqual({ output: [Float32Array.of(5)], timings: { inferenceMs: 1 } })
  const timings = { inferenceMs: 1, batchedRequests: 2, queueMs: expect.any(Number) as number }
  expect(await Promise.all(waiting)).toEqual([
    { output: [Float32Array.of(1)], timings },
    { output: [Float32Array.of(2), Float32Array.of(3)], timings },
  ])
  expect(runs).toEqual([['a', 'bb', 'ccc']])
})

it('takes at most so many requests, and so many rows, for one run', async () => {
  const { ask, runs, open } = busyBatcher()
  const many = Array.from({ length: maxBatch.requests + 1 }, () => ask(requestFor('a')))
  const long = Array.from({ length: maxBatch.rows + 1 }, () => 'b')
  many.push(ask(requestFor(long)), ask(requestFor('c')))
  open()
  await Promise.all(many)
  expect(runs.map(({ length }) => length)).toEqual([maxBatch.requests, 1, maxBatch.rows + 1, 1])
})

it('never merges requests of different kinds', async () => {
  const batcher = new Batcher()
  const answer = vi.fn<Answer>((request) => Promise.resolve({ output: vectorsOf(request), timings: {} }))
  const kinds = ['one', 'other', 'one']
  await Promise.all(kinds.map((kind) => batcher.run(kind, batching, requestFor(kind), neverAborted(), answer)))
  expect(answer.mock.calls.map(([request]) => textsOf(request))).toEqual([['one'], ['other'], ['one']])
})

it('lets one go without the others, before the run and in it, and ends the run when all have gone', async () => {
  const running = createDeferred<AbortSignal>()
  const { ask, runs, open } = busyBatcher((request, signal) => {
    if (textsOf(request).length !== 2) return undefined
    running.resolve(signal)
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
  })
  const callers = ['a', 'b', 'c'].map((text) => {
    const controller = new AbortController()
    return { controller, answer: ask(requestFor(text), controller.signal) }
  })
  const [early, one, other] = callers
  early?.controller.abort('before')
  await expect(early?.answer).rejects.toBe('before')
  open()
  const signal = await running.promise
  expect(runs).toEqual([['b', 'c']])
  one?.controller.abort('within')
  await expect(one?.answer).rejects.toBe('within')
  expect(signal.aborted).toBe(false)
  other?.controller.abort('last')
  await expect(other?.answer).rejects.toBe('last')
  expect(signal.aborted).toBe(true)
  expect(await ask(requestFor('later'))).toMatchObject({ output: [Float32Array.of(5)] })
})

it.each(['INVALID_INPUT', 'OUT_OF_MEMORY', 'RUN_FAILED'] as const)(
  'after a batch that failed with %s, each is tried by itself and hears of its own failure only',
  async (code) => {
    const { ask, runs, open } = busyBatcher((request) => {
      if (textsOf(request).includes('wrong')) throw new EdgewardError(code, 'one of them')
    })
    const waiting = Promise.allSettled(['right', 'wrong', 'also right'].map((text) => ask(requestFor(text))))
    open()
    expect(await waiting).toMatchObject([
      { value: { output: [Float32Array.of(5)] } },
      { reason: { code } },
      { value: { output: [Float32Array.of(10)] } },
    ])
    expect(runs).toEqual([['right', 'wrong', 'also right'], ['right'], ['wrong'], ['also right']])
  },
)

it('after a failure of the whole engine, all of a batch hear of it', async () => {
  const { ask, runs, open } = busyBatcher(() => {
    if (runs.length > 0) throw new EdgewardError('WORKER_DIED', 'gone')
  })
  const waiting = Promise.allSettled([ask(requestFor('a')), ask(requestFor('b'))])
  open()
  expect(await waiting).toMatchObject([{ reason: { code: 'WORKER_DIED' } }, { reason: { code: 'WORKER_DIED' } }])
  expect(runs).toEqual([['a', 'b']])
})

it('a request whose deadline has passed while it waited is not started; the batch knows no deadline', async () => {
  const asked: EngineRequest[] = []
  const { ask, runs, open } = busyBatcher((request) => asked.push(request))
  const late = ask(requestFor('late', { deadlineAt: performance.now() }))
  const ended = expect(late).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' })
  const inTime = [ask(requestFor('a', { deadlineAt: performance.now() + 60_000 })), ask(requestFor('b'))]
  open()
  await Promise.all([ended, ...inTime])
  expect(runs).toEqual([['a', 'b']])
  expect(asked.at(-1)?.deadlineAt).toBe(Infinity)
})

it('a run that gives too few answers ends the requests that go without', async () => {
  const batcher = new Batcher()
  const gate = createDeferred<undefined>()
  const answer: Answer = async () => (await gate.promise, { output: [], timings: {} })
  const short = { ...batching, split: () => [] }
  const [first, ...others] = ['a', 'b', 'c'].map((text) =>
    batcher.run('kind', short, requestFor(text), neverAborted(), answer),
  )
  gate.resolve(undefined)
  await first
  for (const other of others) await expect(other).rejects.toMatchObject({ code: 'INTERNAL' })
})
