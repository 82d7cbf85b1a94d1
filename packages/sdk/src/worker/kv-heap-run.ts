/** What KV caches in the WASM heap have in common: a run on values, and moving the tokens of each head. */
import type { Tensor } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import { cacheBytes, lastLogits, ownInputs, shown, type KvGraph } from './kv-graph.js'
import type { HeapValue, OrtHeap } from './ort-heap.js'
import type { BorrowedSession } from './ort-session.js'

export interface HeapRun {
  readonly graph: KvGraph
  readonly heap: OrtHeap
  /** In the order of the graph's `past`. */
  readonly past: readonly HeapValue[]
  /** How many tokens are in them. */
  readonly length: number
  /** What the graph is to write its present into; else it makes values, which the caller owns. */
  readonly present?: readonly HeapValue[]
}

/** Runs the model over `ids`, and looks at its logits. What it made is freed when it fails. */
export async function runOnHeap(
  run: HeapRun,
  borrowed: BorrowedSession,
  ids: readonly number[],
  keep: number,
): Promise<{ readonly logits: Float32Array; readonly present: readonly HeapValue[] }> {
  const { graph, heap } = run
  const [logitsValue, ...present] = await borrowed.execute(async () => execute(run, ids, keep))
  try {
    const logits = lastLogits(graph, read(heap, logitsValue), ids.length, keep)
    await borrowed.check(shown(logits))
    return { logits, present }
  } catch (error) {
    for (const value of run.present ? [] : present) heap.release(value)
    throw error
  } finally {
    if (logitsValue !== undefined) heap.release(logitsValue)
  }
}

/** Copies the first tokens of `[1, heads, tokens, headSize]`: those of each head lie together. */
export function copyTokens(
  { heap, graph }: Pick<HeapRun, 'heap' | 'graph'>,
  from: { readonly value: HeapValue; readonly capacity: number },
  to: { readonly value: HeapValue; readonly capacity: number },
  length: number,
): void {
  const heads = graph.config.kvHeads
  const headBytes = (tokens: number) => cacheBytes(graph, tokens) / heads
  const [source, target] = [heap.data(from.value).address, heap.data(to.value).address]
  for (let head = 0; head < heads; head += 1) {
    const bytes = heap.bytes(source + head * headBytes(from.capacity), headBytes(length))
    heap.bytes(target + head * headBytes(to.capacity), headBytes(length)).set(bytes)
  }
}

/** One for each of the cache's tensors, or none where there is no room for one. */
export function createAll({ graph, heap }: Pick<HeapRun, 'heap' | 'graph'>, create: () => HeapValue): HeapValue[] {
  const values: HeapValue[] = []
  try {
    while (values.length < graph.past.length) values.push(create())
    return values
  } catch (error) {
    for (const value of values) heap.release(value)
    throw error
  }
}

function execute({ graph, heap, past, length, present }: HeapRun, ids: readonly number[], keep: number): HeapValue[] {
  const own = new Map<string, HeapValue>()
  try {
    for (const [name, { dtype, shape, data }] of ownInputs(graph, ids, length, keep)) {
      own.set(name, heap.from(dtype, shape, data))
    }
    const inputs = new Map(own)
    for (const [index, value] of past.entries()) inputs.set(graph.past[index] ?? '', value)
    return heap.run(inputs, ['logits', ...graph.present], [undefined, ...(present ?? [])])
  } finally {
    for (const value of own.values()) heap.release(value)
  }
}

/** A copy of its data, which are gone when it is released. */
function read(heap: OrtHeap, value: HeapValue | undefined): Tensor {
  if (value === undefined) throw new EdgewardError('OUTPUT_INVALID', 'The output "logits" is missing.')
  const { dtype, shape, address } = heap.data(value)
  const length = shape.reduce((product, size) => product * size, 1)
  const copy = (width: number) => heap.bytes(address, length * width).slice().buffer
  if (dtype === 'float32') return { dtype, shape, data: new Float32Array(copy(4)) }
  if (dtype === 'float16') return { dtype, shape, data: new Uint16Array(copy(2)) }
  return { dtype, shape, data: new BigInt64Array(copy(8)) }
}
