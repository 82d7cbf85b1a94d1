/** KV caches in the WASM heap: what one run gives is what the next one takes, and nothing is copied through JavaScript. */
import { EdgewardError } from '../errors/index.js'
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

export function heapCaches(graph: KvGraph, heap: OrtHeap, onCount: (by: number) => void): KvCaches {
  const kept = { graph, heap, onCount }
  return { empty: () => new HeapCache(kept, emptyValues(kept, 0), 0), release: () => heap.dispose() }
}

class HeapCache implements KvCache {
  readonly #kept: Kept
  readonly #values: readonly HeapValue[]
  readonly length: number

  constructor(kept: Kept, values: readonly HeapValue[], length: number) {
    this.#kept = kept
    this.#values = values
    this.length = length
    kept.onCount(1)
  }

  get bytes(): number {
    return this.#values.length * cacheBytes(this.#kept.graph, this.length)
  }

  async run(borrowed: BorrowedSession, ids: readonly number[], keep: number): Promise<KvStep> {
    const run = { ...this.#kept, past: this.#values, length: this.length }
    const { logits, present } = await runOnHeap(run, borrowed, ids, keep)
    const length = this.length + ids.length
    try {
      checkShapes(this.#kept, present, length)
    } catch (error) {
      for (const value of present) this.#kept.heap.release(value)
      throw error
    }
    return { logits, cache: new HeapCache(this.#kept, present, length) }
  }

  first(_borrowed: BorrowedSession, length: number): KvCache {
    const values = emptyValues(this.#kept, length)
    for (const [index, value] of values.entries()) {
      const from = this.#values[index]
      if (from === undefined) continue
      copyTokens(this.#kept, { value: from, capacity: this.length }, { value, capacity: length }, length)
    }
    return new HeapCache(this.#kept, values, length)
  }

  release(): void {
    for (const value of this.#values) this.#kept.heap.release(value)
    this.#kept.onCount(-1)
  }
}

function emptyValues(kept: Kept, length: number): HeapValue[] {
  const { graph, heap } = kept
  return createAll(kept, () => heap.create(graph.cacheDtype, cacheShape(graph, length), cacheBytes(graph, length)))
}

function checkShapes({ graph, heap }: Kept, values: readonly HeapValue[], length: number): void {
  const expected = cacheShape(graph, length).join()
  for (const [index, value] of values.entries()) {
    const { shape } = heap.data(value)
    if (shape.join() === expected) continue
    const output = graph.present[index] ?? ''
    const message = `The output "${output}" must have the shape [${expected}], and has [${shape.join()}].`
    throw new EdgewardError('OUTPUT_INVALID', message, { details: { output, shape } })
  }
}
