/** Tells the page how a load is coming along, and what becomes of it in the cache. */
import type { VariantDtype } from '../contract/index.js'
import type { PrepareEvent } from '../transport/index.js'
import type { WeightsStore } from '../weights/index.js'
import type { LoadListener, WorkerModel } from './worker-model.js'

/** Starts `load`; the stream tells when it is ready, ends when everything is stored, and errors when it fails. */
export function loadStream(
  model: WorkerModel,
  variant: VariantDtype,
  openStore: () => Promise<WeightsStore>,
  load: (signal: AbortSignal, listener: LoadListener) => Promise<unknown>,
): ReadableStream<PrepareEvent> {
  const cancelled = new AbortController()
  let isOpen = true
  return new ReadableStream<PrepareEvent>({
    start(controller) {
      // Loads that others share go on after this stream's end, and still tell about it.
      const send = (event: PrepareEvent) => {
        if (isOpen) controller.enqueue(event)
      }
      const end = (how: () => void) => {
        if (isOpen) how()
        isOpen = false
      }
      const run = async () => {
        await load(cancelled.signal, listenerOf(model, variant, send))
        send({ type: 'ready' })
        await (await openStore()).settled()
      }
      run().then(
        () => end(() => controller.close()),
        (error: unknown) => end(() => controller.error(error)),
      )
    },
    cancel(reason) {
      isOpen = false
      cancelled.abort(reason)
    },
  })
}

function listenerOf(model: WorkerModel, variant: VariantDtype, send: (event: PrepareEvent) => void): LoadListener {
  let isToldWhy = false
  return {
    onBytes: countBytes(model, variant, send),
    // Every file says it, for the same reason: the first is the one to know.
    onNotStored: (reason) => {
      if (!isToldWhy) send({ type: 'not-stored', reason })
      isToldWhy = true
    },
    onEvicted: (evicted, reason) => send({ type: 'not-stored', reason, model: evicted }),
    onPublished: () => send({ type: 'published' }),
  }
}

function countBytes(model: WorkerModel, variant: VariantDtype, send: (event: PrepareEvent) => void) {
  const graphs = Object.values(model.variant(variant).graphs)
  const files = [...graphs.map(({ file }) => file), ...Object.values(model.manifest.assets)]
  const totalBytes = files.reduce((sum, { bytes }) => sum + bytes, 0)
  let loadedBytes = 0
  let cachedBytes = 0
  return (bytes: number, from: 'cache' | 'network') => {
    loadedBytes += bytes
    if (from === 'cache') cachedBytes += bytes
    send({ type: 'progress', loadedBytes, totalBytes, cachedBytes })
  }
}
