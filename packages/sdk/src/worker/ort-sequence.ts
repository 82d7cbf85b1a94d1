/** One text in the making on a session: its cache, and how long it is said to be. */
import { EdgewardError } from '../errors/index.js'
import type { Sequence } from '../generation/index.js'
import type { KvCache, KvCaches } from './kv-cache.js'
import type { KvGraph } from './kv-graph.js'
import type { BorrowedSession } from './ort-session.js'

/** Where a graph gives the logits of all tokens, so many bytes of them come at most from one run. */
const mostLogitsBytes = 64 * 1024 ** 2

export interface SequenceOptions {
  readonly graph: KvGraph
  readonly caches: KvCaches
  inTurn<T>(signal: AbortSignal, work: (borrowed: BorrowedSession) => Promise<T>): Promise<T>
  /** Does work that frees, in a turn that nobody waits for. */
  release(work: () => void): void
  onDispose(): void
}

export class OrtSequence implements Sequence {
  readonly #options: SequenceOptions
  /** May be longer than the sequence: what is behind its end is forgotten with the next step. */
  #cache: KvCache | undefined
  #length = 0
  #isDisposed = false

  constructor(options: SequenceOptions) {
    this.#options = options
  }

  get length(): number {
    return this.#length
  }

  /** What its cache takes of memory. */
  get bytes(): number {
    return this.#cache?.bytes ?? 0
  }

  async append(ids: readonly number[], keep: number, signal: AbortSignal): Promise<Float32Array> {
    this.#check(ids, keep)
    const { graph, inTurn } = this.#options
    const end = this.#length + ids.length
    const most = graph.keepsLogits ? ids.length : Math.ceil(mostLogitsBytes / 4 / graph.config.vocabularySize)
    // The last piece has all of the rows that are wanted.
    const head = Math.max(0, ids.length - Math.max(keep, most))
    let length = this.#length
    for (let start = 0; start < head; start += most) {
      const piece = ids.slice(start, Math.min(start + most, head))
      await inTurn(signal, (borrowed) => this.#step(borrowed, length, piece, 1))
      length += piece.length
    }
    const logits = await inTurn(signal, (borrowed) => this.#step(borrowed, length, ids.slice(head), keep))
    this.#length = end
    return logits
  }

  truncate(length: number): void {
    if (!Number.isInteger(length) || length < 0 || length > this.#length) {
      throw new EdgewardError('INTERNAL', `A sequence of ${this.#length} tokens cannot be cut to ${length}.`)
    }
    this.#length = length
  }

  dispose(): void {
    if (this.#isDisposed) return
    this.#isDisposed = true
    this.#options.onDispose()
    // A step that runs now has its cache by then.
    this.#options.release(() => {
      this.#cache?.release()
      this.#cache = undefined
    })
  }

  /** One run, on the first `length` tokens of the cache. */
  async #step(borrowed: BorrowedSession, length: number, ids: readonly number[], keep: number): Promise<Float32Array> {
    if (this.#isDisposed) throw disposed()
    const past = this.#past(borrowed, length)
    const { logits, cache } = await past.run(borrowed, ids, keep)
    this.#replace(cache)
    return logits
  }

  /** The cache, of exactly so many tokens. */
  #past(borrowed: BorrowedSession, length: number): KvCache {
    if (this.#cache?.length === length) return this.#cache
    return this.#replace(length === 0 ? this.#options.caches.empty() : this.#first(borrowed, length))
  }

  #first(borrowed: BorrowedSession, length: number): KvCache {
    if (this.#cache === undefined || this.#cache.length < length) {
      throw new EdgewardError('INTERNAL', `The KV cache has fewer than the ${length} tokens of its sequence.`)
    }
    return this.#cache.first(borrowed, length)
  }

  #replace(cache: KvCache): KvCache {
    this.#cache?.release()
    this.#cache = cache
    return cache
  }

  #check(ids: readonly number[], keep: number): void {
    if (this.#isDisposed) throw disposed()
    const { contextLength } = this.#options.graph.config
    if (ids.length === 0 || keep < 1 || keep > ids.length) {
      throw new EdgewardError('INTERNAL', `The logits of ${keep} of ${ids.length} tokens cannot be given.`)
    }
    const length = this.#length + ids.length
    if (length <= contextLength) return
    const message = `The model attends to ${contextLength} tokens at most, and these would be ${length}.`
    throw new EdgewardError('CONTEXT_OVERFLOW', message, { details: { length, contextLength } })
  }
}

function disposed(): EdgewardError {
  return new EdgewardError('DISPOSED', 'The sequence was disposed.')
}
