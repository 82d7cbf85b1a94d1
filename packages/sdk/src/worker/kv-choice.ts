/** Finds out where a session's KV caches are kept best, and does not believe the heap before it gave what the public API gives. */
import type { Backend } from '../contract/index.js'
import { isEdgewardError, messageOf } from '../errors/index.js'
import type { CopiedReason, KvCaches, KvWay } from './kv-cache.js'
import type { KvGraph } from './kv-graph.js'
import { heapCaches } from './kv-heap.js'
import { publicCaches } from './kv-public.js'
import { sharedCaches } from './kv-shared.js'
import { OrtHeap } from './ort-heap.js'
import type { BorrowedSession } from './ort-session.js'

export interface KvChoice {
  readonly caches: KvCaches
  readonly kv: KvWay
}

/** Both ways run the same kernels on the same numbers. */
const tolerance = 1e-6

export async function chooseCaches(
  graph: KvGraph,
  backend: Backend,
  borrowed: BorrowedSession,
  onCount: (by: number) => void,
): Promise<KvChoice> {
  const copying = publicCaches(graph, onCount)
  const copied = (reason: CopiedReason, detail?: string): KvChoice => ({
    caches: copying,
    kv: { way: 'copied', reason, ...(detail !== undefined && { detail }) },
  })
  if (backend === 'webgpu') return { caches: copying, kv: { way: 'gpu' } }
  if (backend !== 'wasm') return copied('backend')
  const heap = OrtHeap.of(borrowed.session, borrowed.runtime)
  if (!(heap instanceof OrtHeap)) return copied(heap.reason, heap.detail)
  const right = await trialLogits(copying, graph, borrowed)
  if (graph.hasGroupQueryAttention) {
    const shared = sharedCaches(graph, heap, onCount)
    const problem = await findProblem(shared, right, graph, borrowed)
    if (problem === undefined) return { caches: shared, kv: { way: 'shared' } }
  }
  const caches = heapCaches(graph, heap, onCount)
  const problem = await findProblem(caches, right, graph, borrowed)
  if (problem === undefined) return { caches, kv: { way: 'heap' } }
  heap.dispose()
  return copied('self-check', problem)
}

/** What is wrong with caches in the heap, if something is. @throws EdgewardError where nothing of the runtime is to be believed any more */
async function findProblem(
  caches: KvCaches,
  right: Float32Array,
  graph: KvGraph,
  borrowed: BorrowedSession,
): Promise<string | undefined> {
  try {
    const logits = await trialLogits(caches, graph, borrowed)
    const wrong = logits.findIndex((logit, index) => !isNear(logit, right[index] ?? NaN))
    return wrong === -1 ? undefined : `The logit at ${wrong} is ${logits[wrong]}, and should be ${right[wrong]}.`
  } catch (error) {
    if (isEdgewardError(error) && (error.details['untrusted'] === true || error.code === 'OUT_OF_MEMORY')) throw error
    return messageOf(error)
  }
}

function isNear(value: number, right: number): boolean {
  return Object.is(value, right) || Math.abs(value - right) <= tolerance * Math.max(1, Math.abs(right))
}

/** Of two tokens, the second one is taken back, and another one follows: each of the operations once. */
async function trialLogits(caches: KvCaches, graph: KvGraph, borrowed: BorrowedSession): Promise<Float32Array> {
  const id = (at: number) => [at % graph.config.vocabularySize]
  const empty = caches.empty()
  const opened = await empty.run(borrowed, [...id(1), ...id(2)], 1).finally(() => empty.release())
  const first = opened.cache.first(borrowed, 1)
  opened.cache.release()
  const step = await first.run(borrowed, id(3), 1).finally(() => first.release())
  step.cache.release()
  return step.logits
}
