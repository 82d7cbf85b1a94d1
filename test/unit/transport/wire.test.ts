/** Page and worker over the real wire, in Node: calls, errors, aborts, streams and deaths. */
import { getEventListeners } from 'node:events'
import { describe, expect, it, vi } from 'vitest'
import type { EngineAnswer } from '../../../packages/sdk/src/contract/index.js'
import { EdgewardError } from '../../../packages/sdk/src/errors/index.js'
import { createDeferred, neverAborted } from '../../../packages/sdk/src/shared/index.js'
import {
  connect,
  workerStartMs,
  type PrepareEvent,
  type RunPayload,
  type WorkerHandlers,
} from '../../../packages/sdk/src/transport/index.js'
import { startFakeWorker } from './fake-worker.js'

const place = { model: 'm@1', backend: 'wasm', variant: 'fp32' } as const
const payload: RunPayload = { ...place, task: 'tensors', input: 'input', options: {}, lane: 'default' }
const options = { signal: neverAborted() }
const never = () => new Promise<never>(() => undefined)

async function connectTo(handlers: Partial<WorkerHandlers>) {
  const fake = startFakeWorker(handlers)
  return { ...fake, connection: await connect(fake.worker, neverAborted()) }
}

describe('a call', () => {
  it('sends its payload and resolves with the answer, whose buffers were moved', async () => {
    const data = Float32Array.of(1, 2)
    const run = vi.fn<WorkerHandlers['run']>(() => {
      return Promise.resolve({ output: { y: { dtype: 'float32', shape: [2], data } }, timings: {} } as EngineAnswer)
    })
    const { connection } = await connectTo({ run })
    const answer = await connection.call('run', payload, options)
    expect(run.mock.calls[0]?.[0]).toEqual(payload)
    expect(answer.output).toEqual({ y: { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) } })
    expect(data.length).toBe(0)
  })

  it("rejects with the worker's error, its code, details and cause", async () => {
    const thrown = new EdgewardError('RUN_FAILED', 'message', { details: { graph: 'model' }, cause: 1234 })
    const { connection } = await connectTo({ run: () => Promise.reject(thrown) })
    await expect(connection.call('run', payload, options)).rejects.toMatchObject({
      code: 'RUN_FAILED',
      details: { graph: 'model' },
      cause: 1234,
    })
  })

  it('rejects when its payload cannot be sent', async () => {
    const { connection } = await connectTo({})
    const call = connection.call('run', { ...payload, input: () => 'a function' }, options)
    await expect(call).rejects.toMatchObject({ name: 'DataCloneError' })
  })

  it("rejects with the caller's very reason, and aborts the work with it", async () => {
    const aborted = createDeferred<unknown>()
    const running = createDeferred<undefined>()
    const { connection } = await connectTo({
      run(_payload, { signal }) {
        signal.addEventListener('abort', () => aborted.resolve(signal.reason))
        running.resolve(undefined)
        return never()
      },
    })
    const caller = new AbortController()
    const call = connection.call('run', payload, { signal: caller.signal })
    await running.promise
    const reason = new DOMException('The user left', 'AbortError')
    caller.abort(reason)
    await expect(call).rejects.toBe(reason)
    expect(await aborted.promise).toMatchObject({ name: 'AbortError', message: 'The user left' })
    expect(getEventListeners(caller.signal, 'abort')).toHaveLength(0)
  })

  it('does not reach the worker when its caller has aborted before', async () => {
    const run = vi.fn(never)
    const { connection } = await connectTo({ run })
    await expect(connection.call('run', payload, { signal: AbortSignal.abort('gone') })).rejects.toBe('gone')
    expect(run).not.toHaveBeenCalled()
  })

  it('lets the worker run graphs at its caller, and hands it the failures of that', async () => {
    const x = { dtype: 'float32', shape: [1], data: Float32Array.of(3) } as const
    const { connection } = await connectTo({
      async process(_payload, { infer }) {
        const { y } = await infer('model', { x }, ['y'])
        const failure = await infer('other', {}).catch((error: unknown) => (error as EdgewardError).code)
        return { output: { y }, timings: {}, failure } as unknown as EngineAnswer
      },
    })
    const asked: unknown[] = []
    const answer = await connection.call('process', payload, {
      ...options,
      infer: (graph, inputs, outputs) => {
        asked.push([graph, inputs, outputs])
        if (graph === 'other') return Promise.reject(new EdgewardError('REMOTE_OVERLOADED', 'busy'))
        return Promise.resolve({ y: { dtype: 'float32', shape: [1], data: Float32Array.of(9) } })
      },
    })
    expect(asked).toEqual([
      ['model', { x }, ['y']],
      ['other', {}, undefined],
    ])
    expect(answer.output).toEqual({ y: { dtype: 'float32', shape: [1], data: Float32Array.of(9) } })
    expect(answer).toMatchObject({ failure: 'REMOTE_OVERLOADED' })
  })
})

describe('a stream of the worker', () => {
  const event: PrepareEvent = { type: 'progress', phase: 'download', loadedBytes: 1, totalBytes: 2, cachedBytes: 0 }
  const prepare = { ...place, threads: 1 }

  it('is read on the page', async () => {
    const { connection } = await connectTo({
      prepare: () =>
        Promise.resolve(
          new ReadableStream<PrepareEvent>({
            start(controller) {
              controller.enqueue(event)
              controller.close()
            },
          }),
        ),
    })
    const events: PrepareEvent[] = []
    for await (const each of await connection.call('prepare', prepare, options)) events.push(each)
    expect(events).toEqual([event])
  })

  it('is cancelled when the call that opened it was aborted before it was there', async () => {
    const cancelled = createDeferred<unknown>()
    const opening = createDeferred<ReadableStream<PrepareEvent>>()
    const asked = createDeferred<undefined>()
    const { connection } = await connectTo({
      prepare() {
        asked.resolve(undefined)
        return opening.promise
      },
    })
    const caller = new AbortController()
    const call = connection.call('prepare', prepare, { signal: caller.signal })
    await asked.promise
    caller.abort('gone')
    await expect(call).rejects.toBe('gone')
    opening.resolve(new ReadableStream({ cancel: (reason) => cancelled.resolve(reason) }))
    expect(await cancelled.promise).toBe('gone')
  })

  it('errors when the worker dies', async () => {
    const { connection, crash } = await connectTo({ prepare: () => Promise.resolve(new ReadableStream()) })
    const stream = await connection.call('prepare', prepare, options)
    const reading = stream.getReader().read()
    crash()
    await expect(reading).rejects.toMatchObject({ code: 'WORKER_DIED' })
  })
})

describe('the death of the worker', () => {
  it('rejects what is pending and every later call', async () => {
    const { connection, crash } = await connectTo({ run: never })
    const pending = [connection.call('run', payload, options), connection.call('run', payload, options)]
    crash()
    const reasons = await Promise.allSettled(pending)
    expect(reasons).toMatchObject([{ reason: { code: 'WORKER_DIED' } }, { reason: { code: 'WORKER_DIED' } }])
    await expect(connection.call('run', payload, options)).rejects.toMatchObject({ code: 'WORKER_DIED' })
  })

  it('is not concluded from a lock that page and worker do not share, as after the site’s data was cleared', async () => {
    const { worker, terminations } = startFakeWorker({ unload: () => Promise.resolve(undefined) })
    // In Chromium, both get a lock of that name at once, and the page does not see the worker's.
    const request = (_name: string, ...given: (() => unknown)[]) => Promise.resolve(given.at(-1)?.())
    vi.stubGlobal('navigator', { locks: { query: () => Promise.resolve({ held: [] }), request } })
    const connection = await connect(worker, neverAborted())
    await connection.call('unload', place, options)
    await connection.call('unload', place, options)
    expect(terminations()).toBe(0)
  })

  it('is told once to those who listen, also when they come late, but not to those who have left', async () => {
    const { connection } = await connectTo({})
    const early = vi.fn()
    const left = vi.fn()
    connection.onClosed(early)
    connection.onClosed(left)()
    const reason = new EdgewardError('DISPOSED', 'ended')
    connection.terminate(reason)
    connection.terminate(new EdgewardError('INTERNAL', 'again'))
    const late = vi.fn()
    connection.onClosed(late)
    expect(early.mock.calls).toEqual([[reason]])
    expect(late.mock.calls).toEqual([[reason]])
    expect(left).not.toHaveBeenCalled()
  })

  it('by termination rejects what is pending with the reason given', async () => {
    const { connection, terminations } = await connectTo({ run: never })
    const pending = connection.call('run', payload, options)
    const reason = new EdgewardError('DISPOSED', 'ended')
    connection.terminate(reason)
    await expect(pending).rejects.toBe(reason)
    expect(terminations()).toBe(1)
  })
})

describe('the start of a worker', () => {
  it('fails with the reason when its script fails', async () => {
    const { worker, fail, terminations } = startFakeWorker('silent')
    const connecting = connect(worker, neverAborted())
    fail('Unexpected token')
    await expect(connecting).rejects.toMatchObject({ code: 'WORKER_UNAVAILABLE' })
    await expect(connecting).rejects.toThrow('Unexpected token')
    expect(terminations()).toBe(1)
  })

  it('fails when no answer comes in time', async () => {
    vi.useFakeTimers()
    try {
      const { worker, terminations } = startFakeWorker('silent')
      const connecting = connect(worker, neverAborted())
      const failing = expect(connecting).rejects.toMatchObject({ code: 'WORKER_UNAVAILABLE' })
      await vi.advanceTimersByTimeAsync(workerStartMs)
      await failing
      expect(terminations()).toBe(1)
    } finally {
      vi.useRealTimers()
    }
  })

  it('can be given up, which ends the worker', async () => {
    const { worker, terminations } = startFakeWorker('silent')
    const giveUp = new AbortController()
    const connecting = connect(worker, giveUp.signal)
    const reason = new EdgewardError('DISPOSED', 'given up')
    giveUp.abort(reason)
    await expect(connecting).rejects.toBe(reason)
    expect(terminations()).toBe(1)
    expect(getEventListeners(giveUp.signal, 'abort')).toHaveLength(0)
  })
})
