/**
 * KV caches in the WASM heap that are written in place: past and present are one buffer, longer than the text, as
 * GroupQueryAttention takes it. Nothing is copied but when the buffer grows; what is taken back is a smaller number.
 */
import type { KvCache, KvCaches, KvStep } from './kv-cache.js'
import { cacheBytes, cacheShape, type KvGraph } from './kv-graph.js'
import { copyTokens, createAll, runOnHeap } from './kv-heap-run.js'
import type { HeapValue, OrtHeap } from './ort-heap.js'
import type { BorrowedSession } from './ort-session.js'

interface Kept {
  readonly graph: KvGraph
  readonly heap: OrtHeap
  /** Hears of each cache that is made (1) or freed (−1). */
  onCount(by: number): void
}

/** Tokens that a buffer has room for at least; it grows by doubling. */
const leastCapacity = 256

export function sharedCaches(graph: KvGraph, heap: OrtHeap, onCount: (by: number) => void): KvCaches {
  const kept = { graph, heap, onCount }
  return { empty: () => new SharedCache(kept, new Buffers(kept, 1), 0), release: () => heap.dispose() }
}

/** The tensors of a sequence's caches; freed with the last cache that reads them. */
class Buffers {
  readonly #kept: Kept
  readonly values: readonly HeapValue[]
  readonly capacity: number
  #users = 0

  /** @param tokens - how many there must be room for */
  constructor(kept: Kept, tokens: number) {
    const { graph, heap } = kept
    const doubled = leastCapacity * 2 ** Math.max(0, Math.ceil(Math.log2(tokens / leastCapacity)))
    this.#kept = kept
    this.capacity = Math.max(tokens, Math.min(doubled, graph.config.contextLength))
    const [shape, bytes] = [cacheShape(graph, this.capacity), cacheBytes(graph, this.capacity)]
    this.values = createAll(kept, () => {
      const value = heap.create(graph.cacheDtype, shape, bytes)
      // NaN: a graph that reads behind the text's end is found out by the first run.
      if (value.memory !== undefined) heap.bytes(value.memory, bytes).fill(0xff)
      return value
    })
  }

  use(): this {
    this.#users += 1
    return this
  }

  release(): void {
    this.#users -= 1
    if (this.#users === 0) for (const value of this.values) this.#kept.heap.release(value)
  }
}

class SharedCache implements KvCache {
  readonly #kept: Kept
  readonly #buffers: Buffers
  readonly length: number

  constructor(kept: Kept, buffers: Buffers, length: number) {
    this.#kept = kept
    this.#buffers = buffers.use()
    this.length = length
    kept.onCount(1)
  }

  get bytes(): number {
    return this.#buffers.values.length * cacheBytes(this.#kept.graph, this.#buffers.capacity)
  }

  async run(borrowed: BorrowedSession, ids: readonly number[], keep: number): Promise<KvStep> {
    const length = this.length + ids.length
    // Only what is behind this cache's end is written.
    const buffers = (length <= this.#buffers.capacity ? this.#buffers : this.#grown(length)).use()
    try {
      const { values } = buffers
      const run = { ...this.#kept, past: values, present: values, length: this.length }
      const { logits } = await runOnHeap(run, borrowed, ids, keep)
      return { logits, cache: new SharedCache(this.#kept, buffers, length) }
    } finally {
      buffers.release()
    }
  }

  first(_borrowed: BorrowedSession, length: number): KvCache {
    return new SharedCache(this.#kept, this.#buffers, length)
  }

  release(): void {
    this.#buffers.release()
    this.#kept.onCount(-1)
  }

  #grown(tokens: number): Buffers {
    const grown = new Buffers(this.#kept, tokens)
    const { capacity } = grown
    for (const [index, value] of grown.values.entries()) {
      const from = this.#buffers.values[index]
      if (from === undefined) continue
      copyTokens(this.#kept, { value: from, capacity: this.#buffers.capacity }, { value, capacity }, this.length)
    }
    return grown
  }
}
