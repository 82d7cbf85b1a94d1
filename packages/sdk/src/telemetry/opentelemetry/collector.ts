/** Sends the traces of a client to an OpenTelemetry collector, over OTLP/HTTP in JSON. */
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer'
import { resourceFromAttributes } from '@opentelemetry/resources'
import type { Trace } from '../../contract/index.js'
import type { RequestSource } from '../exporters/request-source.js'
import { checkCollectorOptions, collectorDefaults, type CollectorOptions } from './options.js'
import { toOtlpSpans, type OtlpSpan } from './otlp-spans.js'
import { maxPartingBytes, post, postOnParting, type Target } from './post.js'

/** What waits for a collector that is slow or down: this many batches, the newest. */
const batchesKept = 8

/**
 * Sends a trace of every request that has ended, in batches. When the page is hidden or goes, what waits is sent by a beacon.
 * A collector that is down costs the page nothing but those traces. Nothing of inputs or outputs is sent.
 *
 * @param edge - the client
 * @returns the undo; what waits is sent
 * @throws EdgewardError INVALID_OPTION
 */
export function exportToCollector(edge: RequestSource, options: CollectorOptions): () => void {
  const url = checkCollectorOptions(options)
  const { sampleRatio = collectorDefaults.sampleRatio, serviceName, attributes } = options
  const resource = resourceFromAttributes({ 'service.name': serviceName, ...options.resource })
  const queue = new Queue({ url, headers: options.headers ?? {} }, options)
  const stop = edge.on('request', (trace) => {
    if (isSampled(trace, sampleRatio)) queue.add(toOtlpSpans(trace, resource, attributes?.(trace)))
  })
  const onHidden = () => {
    if (document.visibilityState === 'hidden') queue.part()
  }
  const onGone = () => queue.part()
  globalThis.document?.addEventListener('visibilitychange', onHidden)
  globalThis.addEventListener?.('pagehide', onGone)
  return () => {
    stop()
    globalThis.document?.removeEventListener('visibilitychange', onHidden)
    globalThis.removeEventListener?.('pagehide', onGone)
    queue.close()
  }
}

/** By the random part of the id, as consistent probability sampling has it: whoever else samples so keeps the same ones. */
function isSampled({ id }: Trace, ratio: number): boolean {
  // 52 of the 56 bits, which a double holds exactly.
  return Number.parseInt(id.slice(-14, -1), 16) / 2 ** 52 >= 1 - ratio
}

/** Traces that wait, each as its spans. */
class Queue {
  readonly #target: Target
  readonly #maxBatch: number
  readonly #intervalMs: number
  readonly #onDropped: (traces: number) => void
  #waiting: (readonly OtlpSpan[])[] = []
  #timer: ReturnType<typeof setTimeout> | undefined
  #isSending = false

  constructor(target: Target, options: CollectorOptions) {
    this.#target = target
    this.#maxBatch = options.maxBatch ?? collectorDefaults.maxBatch
    this.#intervalMs = options.intervalMs ?? collectorDefaults.intervalMs
    this.#onDropped = options.onDropped ?? (() => undefined)
  }

  add(spans: readonly OtlpSpan[]): void {
    this.#waiting.push(spans)
    const tooMany = this.#waiting.length - this.#maxBatch * batchesKept
    if (tooMany > 0) {
      this.#waiting.splice(0, tooMany)
      this.#onDropped(tooMany)
    }
    if (this.#waiting.length >= this.#maxBatch) void this.#send()
    else this.#sendLater()
  }

  /** Hands what waits to the browser, which sends it even if the page goes. What it does not take waits on. */
  part(): void {
    const refused: (readonly OtlpSpan[])[] = []
    for (const piece of pieces(this.#take(Infinity))) {
      if (!postOnParting(this.#target, piece.body)) refused.push(...piece.traces)
    }
    for (const spans of refused) this.add(spans)
  }

  close(): void {
    this.part()
    clearTimeout(this.#timer)
    if (this.#waiting.length > 0) this.#onDropped(this.#waiting.length)
    this.#waiting = []
  }

  async #send(): Promise<void> {
    if (this.#isSending) return
    this.#isSending = true
    try {
      do {
        const traces = this.#take(this.#maxBatch)
        const isTaken = traces.length === 0 || (await post(this.#target, serialise(traces)))
        if (!isTaken) this.#onDropped(traces.length)
      } while (this.#waiting.length >= this.#maxBatch)
    } finally {
      this.#isSending = false // Also when the app's `onDropped` throws.
      if (this.#waiting.length > 0) this.#sendLater()
    }
  }

  #sendLater(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      void this.#send()
    }, this.#intervalMs)
  }

  #take(count: number): readonly (readonly OtlpSpan[])[] {
    clearTimeout(this.#timer)
    this.#timer = undefined
    return this.#waiting.splice(0, count)
  }
}

interface Piece {
  readonly traces: readonly (readonly OtlpSpan[])[]
  readonly body: Uint8Array<ArrayBuffer>
}

/** Bodies that are small enough to part with; a trace that is too large on its own stays so. */
function pieces(traces: readonly (readonly OtlpSpan[])[]): readonly Piece[] {
  if (traces.length === 0) return []
  const body = serialise(traces)
  if (body.byteLength <= maxPartingBytes || traces.length === 1) return [{ traces, body }]
  const half = Math.ceil(traces.length / 2)
  return [...pieces(traces.slice(0, half)), ...pieces(traces.slice(half))]
}

function serialise(traces: readonly (readonly OtlpSpan[])[]): Uint8Array<ArrayBuffer> {
  // Plain JSON in a buffer of its own, which nobody shares.
  return (JsonTraceSerializer.serializeRequest(traces.flat()) ?? new Uint8Array()) as Uint8Array<ArrayBuffer>
}
