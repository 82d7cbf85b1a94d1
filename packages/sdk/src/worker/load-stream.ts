/** Tells the page how a load is coming along, and what becomes of it in the cache. */
import type { VariantDtype } from '../contract/index.js'
import type { PrepareEvent } from '../transport/index.js'
import { neededFiles, type LowPriority, type WeightsStore } from '../weights/index.js'
import { LoadProgress, type LoadSnapshot } from './load-progress.js'
import type { LoadListener, WorkerModel } from './worker-model.js'

/**
 * Starts `load`; the stream tells when it is ready, ends when everything is stored, and errors when it fails.
 *
 * @param priority - of the load; absent: somebody waits for it
 */
export function loadStream(
  model: WorkerModel,
  variant: VariantDtype,
  openStore: () => Promise<WeightsStore>,
  priority: LowPriority | undefined,
  load: (signal: AbortSignal, listener: LoadListener) => Promise<unknown>,
): ReadableStream<PrepareEvent> {
  const files = neededFiles(model.manifest, variant)
  const totalBytes = files.reduce((sum, { bytes }) => sum + bytes, 0)
  const cancelled = new AbortController()
  let isOpen = true
  let progress: LoadProgress | undefined
  return new ReadableStream<PrepareEvent>({
    start(controller) {
      // Loads that others share go on after this stream's end, and still tell about it.
      const send = (event: PrepareEvent) => {
        if (isOpen) controller.enqueue(event)
      }
      const tell = (snapshot: LoadSnapshot) => send({ type: 'progress', ...snapshot })
      const counted = new LoadProgress(totalBytes, tell, () => priority?.heldMs ?? 0)
      progress = counted
      const end = (how: () => void) => {
        if (isOpen) how()
        isOpen = false
        counted.end()
      }
      const run = async () => {
        await load(cancelled.signal, { ...listenerOf(counted, send), ...(priority && { priority }) })
        counted.complete()
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
      progress?.end()
      cancelled.abort(reason)
    },
  })
}

function listenerOf(progress: LoadProgress, send: (event: PrepareEvent) => void): LoadListener {
  let isToldWhy = false
  return {
    onMissing: (bytes) => progress.missing(bytes),
    onBytes: (bytes, from) => progress.received(bytes, from),
    onPhase: (phase) => progress.phase(phase),
    // Every file says it, for the same reason: the first is the one to know.
    onNotStored: (reason) => {
      if (!isToldWhy) send({ type: 'not-stored', reason })
      isToldWhy = true
    },
    onEvicted: (evicted, reason) => send({ type: 'not-stored', reason, model: evicted }),
    onPublished: () => send({ type: 'published' }),
  }
}
