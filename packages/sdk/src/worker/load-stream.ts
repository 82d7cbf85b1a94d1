/** Tells the page how a load is coming along, and what becomes of it in the cache. */
import type { VariantDtype } from '../contract/index.js'
import { createDeferred, type Deferred } from '../shared/index.js'
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
  const cancelled = new AbortController()
  const reader = new Reader()
  let isOpen = true
  let progress: LoadProgress | undefined
  const close = () => {
    isOpen = false
    reader.heardAll()
    progress?.end()
  }
  const source: UnderlyingDefaultSource<PrepareEvent> = {
    start(controller) {
      // Loads that others share go on after this stream's end, and still tell about it.
      const send = (event: PrepareEvent) => {
        if (!isOpen) return
        controller.enqueue(event)
        reader.told()
      }
      const tell = (snapshot: LoadSnapshot) => send({ type: 'progress', ...snapshot })
      const counted = (progress = new LoadProgress(bytesOf(model, variant), tell, () => priority?.heldMs ?? 0))
      const end = (how: () => void) => {
        if (isOpen) how()
        close()
      }
      const run = async () => {
        await load(cancelled.signal, { ...listenerOf(counted, send, reader), ...(priority && { priority }) })
        counted.complete()
        send({ type: 'ready' })
        await (await openStore()).settled()
      }
      run().then(
        () => end(() => controller.close()),
        (error: unknown) => end(() => controller.error(error)),
      )
    },
    pull() {
      reader.heardAll()
    },
    cancel(reason) {
      close()
      cancelled.abort(reason)
    },
  }
  // What is asked for beyond what is there has been read to its end.
  return new ReadableStream<PrepareEvent>(source, { highWaterMark: 0 })
}

function bytesOf({ manifest }: WorkerModel, variant: VariantDtype): number {
  return neededFiles(manifest, variant).reduce((sum, { bytes }) => sum + bytes, 0)
}

/** A page whose main thread is busy for longer does not keep a load. */
const longestHearingMs = 250

/** Whoever reads the stream, and how far they are. */
class Reader {
  #unheard: Deferred<undefined> | undefined

  told(): void {
    this.#unheard ??= createDeferred()
  }

  heardAll(): void {
    this.#unheard?.resolve(undefined)
    this.#unheard = undefined
  }

  /** Resolves when everything that was told has been heard, or soon after. */
  async heard(): Promise<void> {
    if (this.#unheard === undefined) return
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, longestHearingMs)))
    await Promise.race([this.#unheard.promise, late])
    clearTimeout(timer)
  }
}

function listenerOf(progress: LoadProgress, send: (event: PrepareEvent) => void, reader: Reader): LoadListener {
  let isToldWhy = false
  return {
    onMissing: (bytes) => progress.missing(bytes),
    onBytes: (bytes, from) => progress.received(bytes, from),
    onPhase: (phase) => progress.phase(phase),
    heard: () => reader.heard(),
    // Every file says it, for the same reason: the first is the one to know.
    onNotStored: (reason) => {
      if (!isToldWhy) send({ type: 'not-stored', reason })
      isToldWhy = true
    },
    onEvicted: (evicted, reason) => send({ type: 'not-stored', reason, model: evicted }),
    onPublished: () => send({ type: 'published' }),
  }
}
