/** Streams of the device engine: what holds while one is read, and what is let go when it ends, however that is. */
import { expect, it, vi } from 'vitest'
import type { GenerationEvent, Placement, StreamRequest } from '../../../packages/sdk/src/contract/index.js'
import { EdgewardError } from '../../../packages/sdk/src/errors/index.js'
import { neverAborted } from '../../../packages/sdk/src/shared/index.js'
import type { Payload, WorkerHandlers } from '../../../packages/sdk/src/transport/index.js'
import { place, source, startLife, streamOf, type Life } from './living-workers.js'

const request: StreamRequest = {
  ...source,
  model: 'model',
  task: 'text-generation',
  input: { prompt: 'Once' },
  options: { seed: 1 },
}
const start: GenerationEvent = { type: 'start', format: {} }
const finish: GenerationEvent = { type: 'finish', reason: 'stop', usage: {}, timings: { inferenceMs: 1 } }
const delta = (text: string): GenerationEvent => ({ type: 'delta', text })

/** What a worker writes, one event for each that is asked for; then it is silent, fails or ends. */
function writer(events: readonly GenerationEvent[], then: 'hang' | 'end' | Error = 'end') {
  const seen = { pulls: 0, isCancelled: false, payloads: [] as Payload<'generate'>[] }
  const generate: WorkerHandlers['generate'] = (payload) => {
    seen.payloads.push(payload)
    const left = [...events]
    const pull = async (controller: ReadableStreamDefaultController<GenerationEvent>) => {
      seen.pulls += 1
      const next = left.shift()
      if (next) controller.enqueue(next)
      else if (then === 'hang') await new Promise(() => undefined)
      else if (then === 'end') controller.close()
      else throw then
    }
    const cancel = () => void (seen.isCancelled = true)
    return Promise.resolve(new ReadableStream<GenerationEvent>({ pull, cancel }, { highWaterMark: 0 }))
  }
  return { seen, generate }
}

function write(
  { engine }: Life,
  signal = neverAborted(),
  where: Placement = place,
  more: Partial<StreamRequest> = {},
): ReadableStreamDefaultReader<GenerationEvent> {
  const stream = engine.stream?.(where, { ...request, ...more }, signal)
  if (stream === undefined) throw new Error('the device engine has no streams')
  return stream.getReader()
}

async function readAll(reader: ReadableStreamDefaultReader<GenerationEvent>) {
  const events: GenerationEvent[] = []
  for (let next = await reader.read(); !next.done; next = await reader.read()) events.push(next.value)
  return events
}

it('makes the placement ready, has the worker write, and tells how long it took to get ready', async () => {
  const { seen, generate } = writer([start, delta('Hi'), finish])
  const life = startLife(() => ({ generate }))
  const resume = { text: 'a', usedTokens: 1 }
  const events = await readAll(write(life, neverAborted(), place, { resume, lane: 'interactive' }))
  expect(events.map(({ type }) => type)).toEqual(['start', 'delta', 'finish'])
  expect(events.at(-1)).toMatchObject({ timings: { inferenceMs: 1, loadMs: expect.any(Number) as number } })
  expect(seen.payloads).toMatchObject([{ backend: 'wasm', variant: 'fp32', lane: 'interactive', resume }])
  expect(life.isReady()).toBe(true)
})

it('asks the worker for nothing before somebody reads, and for one event at a time', async () => {
  const { seen, generate } = writer([start, delta('a'), delta('b'), finish])
  const life = startLife(() => ({ generate }))
  const reader = write(life)
  await life.settle()
  expect(life.workers).toHaveLength(0)
  await reader.read()
  await reader.read()
  await life.settle()
  expect(seen.pulls).toBe(2)
  await reader.cancel()
})

it('ends the work of the worker when the reader goes', async () => {
  const { seen, generate } = writer([start, delta('a')], 'hang')
  const life = startLife(() => ({ generate }))
  const reader = write(life)
  await reader.read()
  await reader.cancel('enough')
  await life.settle()
  expect(seen.isCancelled).toBe(true)
})

it("ends with the caller's own reason, and with it the work of the worker, read or not", async () => {
  const { seen, generate } = writer([start], 'hang')
  const life = startLife(() => ({ generate }))
  const caller = new AbortController()
  const reader = write(life, caller.signal)
  await reader.read()
  caller.abort('gone')
  await expect(reader.read()).rejects.toBe('gone')
  await life.settle()
  expect(seen.isCancelled).toBe(true)
  await expect(write(life, caller.signal).read()).rejects.toBe('gone')
})

it('leaves nobody behind who watches the worker, however it ends', async () => {
  const { generate } = writer([start, delta('a'), finish])
  const life = startLife(() => ({ generate }))
  await readAll(write(life))
  const { connection } = await life.host.live()
  const onClosed = connection.onClosed.bind(connection)
  let watching = 0
  vi.spyOn(connection, 'onClosed').mockImplementation((listener) => {
    const stop = onClosed(listener)
    watching += 1
    return () => {
      watching -= 1
      stop()
    }
  })
  await readAll(write(life))
  const reader = write(life)
  await reader.read()
  expect(watching).toBe(1)
  await reader.cancel()
  await life.settle()
  expect(watching).toBe(0)
})

it('is not made ready for a reader that has gone', async () => {
  const life = startLife(() => ({ prepare: () => new Promise(() => undefined) }))
  const reader = write(life)
  const read = reader.read()
  await life.settle()
  await reader.cancel()
  expect(await read).toMatchObject({ done: true })
  await life.settle()
  // Nobody waits for the device any more: another one is let in.
  const caller = new AbortController()
  const next = write(life, caller.signal, place, { maxQueued: 0 }).read()
  await life.settle()
  caller.abort('gone')
  await expect(next).rejects.toBe('gone')
})

it('lets in as many as may wait, and lets the next one in when a stream has ended', async () => {
  const { generate } = writer([start, delta('a'), finish])
  const life = startLife(() => ({ generate }))
  const first = write(life)
  await first.read()
  const second = write(life, neverAborted(), place, { maxQueued: 0 })
  await expect(second.read()).rejects.toMatchObject({ code: 'QUEUE_FULL' })
  expect(await readAll(first)).toHaveLength(2)
  expect(await readAll(write(life, neverAborted(), place, { maxQueued: 0 }))).toHaveLength(3)
})

it('is not begun when its time is over', async () => {
  const { seen, generate } = writer([start])
  const life = startLife(() => ({ generate }))
  const reader = write(life, neverAborted(), place, { deadlineAt: performance.now() - 1 })
  await expect(reader.read()).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' })
  expect(seen.payloads).toHaveLength(0)
})

it('ends with WORKER_DIED when the worker dies in mid-stream, and the next stream gets a fresh one', async () => {
  const { generate } = writer([start, delta('a')], 'hang')
  const life = startLife((worker) => ({ generate: worker === 0 ? generate : writer([start, finish]).generate }))
  const reader = write(life)
  await reader.read()
  const read = reader.read()
  await read
  const silent = reader.read()
  life.workers[0]?.crash()
  await expect(silent).rejects.toMatchObject({ code: 'WORKER_DIED' })
  expect(await readAll(write(life))).toHaveLength(2)
})

it('keeps nobody waiting for a stream whose worker died while nobody read it', async () => {
  const { generate } = writer([start, delta('a'), finish])
  const life = startLife(() => ({ generate }))
  await write(life).read()
  life.workers[0]?.crash()
  await life.settle()
  expect(await readAll(write(life, neverAborted(), place, { maxQueued: 0 }))).toHaveLength(3)
})

it('forgets what was ready on a GPU that was lost', async () => {
  const onGpu: Placement = { engine: 'device', backend: 'webgpu', variant: 'fp32' }
  const lost = new EdgewardError('GPU_LOST', 'lost')
  const life = startLife(() => ({
    generate: writer([start], lost).generate,
    vitals: () => Promise.resolve({ heapBytes: 0, runs: 0, gpuLosses: 1 }),
  }))
  const reader = write(life, neverAborted(), onGpu)
  await reader.read()
  expect(life.engine.readiness(source, onGpu)).toBe('ready')
  await expect(reader.read()).rejects.toMatchObject({ code: 'GPU_LOST' })
  expect(life.engine.readiness(source, onGpu)).toBeUndefined()
  await life.settle()
  expect(life.states()).toContain('gpu lost')
})

it('ends a worker that is silent for too long while somebody waits', async () => {
  const life = startLife(() => ({
    generate: writer([start, delta('a')], 'hang').generate,
    // It blocks: nothing is answered.
    vitals: () => new Promise(() => undefined),
  }))
  const reader = write(life)
  await reader.read()
  await reader.read()
  const silent = reader.read()
  silent.catch(() => undefined)
  await life.pass(61_000)
  await expect(silent).rejects.toMatchObject({ code: 'WORKER_DIED', details: { hung: true } })
})

it('takes each event for a sign of life: a stream may take as long as it likes', async () => {
  const many = Array.from({ length: 6 }, () => delta('a'))
  const life = startLife(() => ({ generate: writer([start, ...many, finish]).generate }))
  const reader = write(life)
  for (let reads = 0; reads < 8; reads += 1) {
    await reader.read()
    await life.pass(40_000)
  }
  expect(life.workers[0]?.terminations()).toBe(0)
})

it('takes no silence for a hang while nobody reads', async () => {
  const life = startLife(() => ({ generate: writer([start, delta('a'), finish]).generate }))
  const reader = write(life)
  await reader.read()
  await life.pass(300_000)
  expect(life.workers[0]?.terminations()).toBe(0)
  expect(await readAll(reader)).toHaveLength(2)
})

it('goes on in a worker that is replaced, which waits for it', async () => {
  const life = startLife(() => ({ generate: writer([start, delta('a'), delta('b'), finish]).generate }), {
    recycle: { runs: 2, heapGrowthBytes: Infinity },
  })
  const reader = write(life)
  await reader.read()
  await life.run()
  await life.run()
  await life.run()
  await life.run()
  await life.pass(5_000)
  expect(life.states()).toContain('worker replaced')
  expect(life.workers[0]?.terminations()).toBe(0)
  expect(await readAll(reader)).toHaveLength(3)
  await life.pass(2_000)
  expect(life.workers[0]?.terminations()).toBe(1)
})

it('keeps no worker alive for a reader that never reads', async () => {
  const life = startLife(() => ({ generate: writer([start, delta('a'), finish]).generate }), {
    recycle: { runs: 2, heapGrowthBytes: Infinity },
  })
  const reader = write(life)
  await reader.read()
  for (let runs = 0; runs < 4; runs += 1) await life.run()
  await life.pass(40_000)
  expect(life.workers[0]?.terminations()).toBe(1)
  await expect(reader.read()).rejects.toMatchObject({ code: 'WORKER_DIED', details: { replaced: true } })
})

it('counts as a run, and tells that the worker is well', async () => {
  const life = startLife(() => ({
    generate: writer([start, finish]).generate,
    prepare: () => Promise.resolve(streamOf()),
  }))
  await readAll(write(life))
  const { connection } = await life.host.live()
  expect(connection.runs).toBe(1)
  expect(connection.isAtWork).toBe(false)
})
