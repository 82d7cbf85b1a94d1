/** Writes an answer of text on the device, as long as somebody reads. */
import type { GenerationEvent, ModelSource, StreamRequest } from '../contract/index.js'
import { isEdgewardError } from '../errors/index.js'
import type { Payload } from '../transport/index.js'
import { sessionsKey, type ReadyModel } from './make-ready.js'
import { sourceOf } from './model-source.js'
import { checkDeadline, type DeviceQueue } from './queue.js'
import type { DevicePlacement, WorkerModels } from './worker-models.js'

/** Makes a placement ready, and holds it there. */
export type Prepare = (
  placement: DevicePlacement,
  source: ModelSource,
  signal: AbortSignal,
  priority?: 'low',
) => Promise<ReadyModel>

export interface DeviceStreamParts {
  readonly prepare: Prepare
  readonly queue: DeviceQueue
}

/** A stream that the worker writes. */
interface OpenStream {
  readonly reader: ReadableStreamDefaultReader<GenerationEvent>
  /** How long it took to get ready, when it was not. */
  readonly loadMs: number | undefined
  /** Gives back what it took, once. */
  end(error?: unknown): void
}

/** Nothing is made ready before somebody reads; what it holds is let go however it ends. */
export function deviceStream(
  parts: DeviceStreamParts,
  placement: DevicePlacement,
  request: StreamRequest,
  signal: AbortSignal,
): ReadableStream<GenerationEvent> {
  const leaving = new AbortController()
  const either = AbortSignal.any([signal, leaving.signal])
  let opening: Promise<OpenStream> | undefined
  let isOver = false

  const end = (reason: unknown) => {
    isOver = true
    leaving.abort(reason)
    // What failed, to open or at all, has ended.
    opening
      ?.then(({ reader, end: letGo }) => {
        letGo()
        return reader.cancel(reason)
      })
      .catch(() => undefined)
  }
  const pull = async (controller: ReadableStreamDefaultController<GenerationEvent>) => {
    try {
      opening ??= openStream(parts, placement, request, either)
      const open = await opening
      const event = await next(open)
      if (isOver) return
      if (event !== undefined) {
        controller.enqueue(event)
        return
      }
      controller.close()
      leaving.abort()
    } catch (error) {
      if (isOver) return
      leaving.abort(error)
      throw error
    }
  }
  const start = (controller: ReadableStreamDefaultController<GenerationEvent>) => {
    const onAbort = () => {
      if (!isOver) controller.error(signal.reason)
      end(signal.reason)
    }
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true, signal: leaving.signal })
  }
  return new ReadableStream({ start, pull, cancel: end }, { highWaterMark: 0 })
}

/** Forgets what was lost with an error. */
export function forgetLost(
  error: unknown,
  { placements }: Pick<WorkerModels, 'placements'>,
  source: ModelSource,
  placement: DevicePlacement,
): void {
  if (!isEdgewardError(error)) return
  if (error.code === 'GPU_LOST') placements.forgetAll(placement.backend)
  // The worker has let go of sessions that it found to compute wrongly.
  if (error.code === 'CANARY_FAILED') placements.forget(sessionsKey(source, placement))
}

async function openStream(
  { prepare, queue }: DeviceStreamParts,
  placement: DevicePlacement,
  request: StreamRequest,
  signal: AbortSignal,
): Promise<OpenStream> {
  const leave = once(queue.enter(request))
  try {
    const source = sourceOf(request)
    const { connection, models, model, loadMs, letGo } = await prepare(placement, source, signal)
    let stopWatching = (): void => undefined
    const end = once((error?: unknown) => {
      stopWatching()
      forgetLost(error, models, source, placement)
      letGo()
      leave()
    })
    try {
      checkDeadline(request)
      const stream = await connection.generate(generatePayload(model, placement, request), signal)
      // A worker that dies while nobody reads is no reason to keep others waiting.
      stopWatching = connection.onClosed(() => end())
      return { reader: stream.getReader(), loadMs, end }
    } catch (error) {
      end(error)
      throw error
    }
  } catch (error) {
    leave()
    throw error
  }
}

/** Undefined: there is no more. */
async function next({ reader, loadMs, end }: OpenStream): Promise<GenerationEvent | undefined> {
  try {
    const { done, value } = await reader.read()
    if (done || value.type === 'finish') end()
    if (done || value.type !== 'finish' || loadMs === undefined) return value
    return { ...value, timings: { ...value.timings, loadMs } }
  } catch (error) {
    end(error)
    throw error
  }
}

function generatePayload(
  model: string,
  { backend, variant }: DevicePlacement,
  { input, options, resume, lane = 'default' }: StreamRequest,
): Payload<'generate'> {
  return { model, backend, variant, lane, input, options, ...(resume && { resume }) }
}

function once(work: (error?: unknown) => void): (error?: unknown) => void {
  let isDone = false
  return (error) => {
    if (isDone) return
    isDone = true
    work(error)
  }
}
