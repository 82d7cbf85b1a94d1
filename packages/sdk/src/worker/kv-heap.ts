/** KV caches in the WASM heap: what one run gives is what the next one takes, and nothing is copied through JavaScript. */
import { EdgewardError } from '../errors/index.js'
import type { Tensor } from '../contract/index.js'
import type { KvCache, KvCaches, KvStep } from './kv-cache.js'
import { cacheBytes, cacheShape, lastLogits, ownInputs, shown, type KvGraph } from './kv-graph.js'
import type { HeapValue, OrtHeap } from './ort-heap.js'
import type { BorrowedSession } from './ort-session.js'

/** @param onCount - hears of each cache that is made (1) or freed (−1) */
export function heapCaches(graph: KvGraph, heap: OrtHeap, onCount: (by: number) => void): KvCaches {
  const { past, cacheDtype } = graph
  const shape = cacheShape(graph, 0)
  return {
    empty: () =>
      new HeapCache(
        graph,
        heap,
        createAll(heap, past.length, () => heap.create(cacheDtype, shape, 0)),
        0,
        onCount,
      ),
    release: () => heap.dispose(),
  }
}

class HeapCache implements KvCache {
  readonly #graph: KvGraph
  readonly #heap: OrtHeap
  /** In the order of the graph's `past`. */
  readonly #values: readonly HeapValue[]
  readonly #onCount: (by: number) => void
  readonly length: number

  constructor(
    graph: KvGraph,
    heap: OrtHeap,
    values: readonly HeapValue[],
    length: number,
    onCount: (by: number) => void,
  ) {
    this.#graph = graph
    this.#heap = heap
    this.#values = values
    this.length = length
    this.#onCount = onCount
    onCount(1)
  }

  get bytes(): number {
    return this.#values.length * cacheBytes(this.#graph, this.length)
  }

  async run(borrowed: BorrowedSession, ids: readonly number[], keep: number): Promise<KvStep> {
    const [logitsValue, ...present] = await borrowed.execute(async () => this.#execute(ids, keep))
    try {
      const logits = lastLogits(this.#graph, this.#read(logitsValue), ids.length, keep)
      await borrowed.check(shown(logits))
      const length = this.length + ids.length
      this.#checkShape(present, length)
      return { logits, cache: new HeapCache(this.#graph, this.#heap, present, length, this.#onCount) }
    } catch (error) {
      for (const value of present) this.#heap.release(value)
      throw error
    } finally {
      if (logitsValue !== undefined) this.#heap.release(logitsValue)
    }
  }

  first(_borrowed: BorrowedSession, length: number): KvCache {
    const heap = this.#heap
    const shape = cacheShape(this.#graph, length)
    const bytes = cacheBytes(this.#graph, length)
    const values = createAll(heap, this.#values.length, (index) => {
      const copy = heap.create(this.#graph.cacheDtype, shape, bytes)
      const from = this.#values[index]
      if (from !== undefined) this.#copyHeads(from, copy, length)
      return copy
    })
    return new HeapCache(this.#graph, heap, values, length, this.#onCount)
  }

  release(): void {
    for (const value of this.#values) this.#heap.release(value)
    this.#onCount(-1)
  }

  #execute(ids: readonly number[], keep: number): HeapValue[] {
    const heap = this.#heap
    const { past, present } = this.#graph
    const own = new Map<string, HeapValue>()
    try {
      for (const [name, { dtype, shape, data }] of ownInputs(this.#graph, ids, this.length, keep)) {
        own.set(name, heap.from(dtype, shape, data))
      }
      const inputs = new Map(own)
      for (const [index, value] of this.#values.entries()) inputs.set(past[index] ?? '', value)
      return heap.run(inputs, ['logits', ...present])
    } finally {
      for (const value of own.values()) heap.release(value)
    }
  }

  /** A copy of its data, which are gone when it is released. */
  #read(value: HeapValue | undefined): Tensor {
    if (value === undefined) throw new EdgewardError('OUTPUT_INVALID', 'The output "logits" is missing.')
    const { dtype, shape, address } = this.#heap.data(value)
    const length = shape.reduce((product, size) => product * size, 1)
    const copy = (width: number) => this.#heap.bytes(address, length * width).slice().buffer
    if (dtype === 'float32') return { dtype, shape, data: new Float32Array(copy(4)) }
    if (dtype === 'float16') return { dtype, shape, data: new Uint16Array(copy(2)) }
    return { dtype, shape, data: new BigInt64Array(copy(8)) }
  }

  #checkShape(values: readonly HeapValue[], length: number): void {
    const expected = cacheShape(this.#graph, length).join()
    for (const [index, value] of values.entries()) {
      const { shape } = this.#heap.data(value)
      if (shape.join() === expected) continue
      const output = this.#graph.present[index] ?? ''
      const message = `The output "${output}" must have the shape [${expected}], and has [${shape.join()}].`
      throw new EdgewardError('OUTPUT_INVALID', message, { details: { output, shape } })
    }
  }

  /** Of `[1, heads, tokens, headSize]`, the first tokens of each head lie together. */
  #copyHeads(from: HeapValue, to: HeapValue, length: number): void {
    const heads = this.#graph.config.kvHeads
    const whole = cacheBytes(this.#graph, this.length)
    const part = cacheBytes(this.#graph, length)
    const [source, target] = [this.#heap.data(from).address, this.#heap.data(to).address]
    for (let head = 0; head < heads; head += 1) {
      const start = source + (head * whole) / heads
      this.#heap.bytes(target + (head * part) / heads, part / heads).set(this.#heap.bytes(start, part / heads))
    }
  }
}

/** All of them, or none where there is no room for one. */
function createAll(heap: OrtHeap, count: number, create: (index: number) => HeapValue): HeapValue[] {
  const values: HeapValue[] = []
  try {
    for (let index = 0; index < count; index += 1) values.push(create(index))
    return values
  } catch (error) {
    for (const value of values) heap.release(value)
    throw error
  }
}
