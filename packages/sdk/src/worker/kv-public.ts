/** KV caches by ONNX Runtime's public API: on the GPU in buffers that stay there, on the CPU as copies in JavaScript. */
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-web'
import type { Tensor } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import { firstOnGpu } from './kv-gpu.js'
import type { KvCache, KvCaches, KvStep } from './kv-cache.js'
import { cacheBytes, cacheShape, lastLogits, ownInputs, shown, type KvGraph } from './kv-graph.js'
import { fromOrt, type BorrowedSession } from './ort-session.js'

/** @param onCount - hears of each cache that is made (1) or freed (−1) */
export function publicCaches(graph: KvGraph, onCount: (by: number) => void): KvCaches {
  return { empty: () => new PublicCache(graph, [], 0, onCount), release: () => undefined }
}

class PublicCache implements KvCache {
  readonly #graph: KvGraph
  /** In the order of the graph's `past`; none where there are no tokens yet. */
  readonly #tensors: readonly OrtTensor[]
  readonly #onCount: (by: number) => void
  readonly length: number

  constructor(graph: KvGraph, tensors: readonly OrtTensor[], length: number, onCount: (by: number) => void) {
    this.#graph = graph
    this.#tensors = tensors
    this.length = length
    this.#onCount = onCount
    onCount(1)
  }

  get bytes(): number {
    return this.#graph.past.length * cacheBytes(this.#graph, this.length)
  }

  async run(borrowed: BorrowedSession, ids: readonly number[], keep: number): Promise<KvStep> {
    const feeds = this.#feeds(borrowed, ids, keep)
    let results: InferenceSession.OnnxValueMapType = {}
    try {
      // Also what a lost device gave has to be freed.
      await borrowed.execute(async () => (results = await borrowed.session.run(feeds)))
      const cache = this.#cacheOf(results, this.length + ids.length)
      const logits = lastLogits(this.#graph, logitsOf(results), ids.length, keep)
      await borrowed.check(shown(logits))
      return { logits, cache: cache() }
    } catch (error) {
      for (const tensor of Object.values(results)) tensor.dispose()
      throw error
    }
  }

  first(borrowed: BorrowedSession, length: number): KvCache {
    const shape = cacheShape(this.#graph, length)
    const tensors = length === 0 ? [] : this.#tensors.map((tensor) => firstOf(borrowed, tensor, shape, this.length))
    return new PublicCache(this.#graph, tensors, length, this.#onCount)
  }

  release(): void {
    for (const tensor of this.#tensors) tensor.dispose()
    this.#onCount(-1)
  }

  #feeds({ runtime }: BorrowedSession, ids: readonly number[], keep: number): Record<string, OrtTensor> {
    const { Tensor } = runtime.ort
    const { past, cacheDtype } = this.#graph
    const feeds: Record<string, OrtTensor> = {}
    for (const [name, { data, shape }] of ownInputs(this.#graph, ids, this.length, keep)) {
      feeds[name] = new Tensor('int64', data, shape)
    }
    for (const [index, name] of past.entries()) {
      const nothing = cacheDtype === 'float16' ? new Uint16Array() : new Float32Array()
      // Its constructor is overloaded by dtype.
      const empty = () => new Tensor(cacheDtype as 'float32', nothing as Float32Array, cacheShape(this.#graph, 0))
      feeds[name] = this.#tensors[index] ?? empty()
    }
    return feeds
  }

  #cacheOf(results: InferenceSession.OnnxValueMapType, length: number): () => PublicCache {
    const tensors = this.#graph.present.map((name) => {
      const tensor = results[name]
      if (tensor?.dims[2] === length) return tensor
      const message = `The output "${name}" must be of ${length} tokens, and has the shape [${tensor?.dims.join(', ')}].`
      throw new EdgewardError('OUTPUT_INVALID', message, { details: { output: name } })
    })
    return () => new PublicCache(this.#graph, tensors, length, this.#onCount)
  }
}

function logitsOf(results: InferenceSession.OnnxValueMapType): Tensor {
  const logits = results['logits']
  if (logits === undefined) throw new EdgewardError('OUTPUT_INVALID', 'The output "logits" is missing.')
  return fromOrt(logits)
}

/** The first tokens of a tensor `[1, heads, tokens, headSize]`: a run of each head's values. */
function firstOf(
  borrowed: BorrowedSession,
  tensor: OrtTensor,
  shape: readonly [1, number, number, number],
  from: number,
): OrtTensor {
  if (tensor.location === 'gpu-buffer') return firstOnGpu(borrowed, tensor, shape, from)
  const [, heads, length, headSize] = shape
  const data = tensor.data as Float32Array // Or its bits: what is in it is only moved.
  const copy = data.slice(0, heads * length * headSize)
  for (let head = 0; head < heads; head += 1) {
    const start = head * from * headSize
    copy.set(data.subarray(start, start + length * headSize), head * length * headSize)
  }
  return new borrowed.runtime.ort.Tensor(tensor.type as 'float32', copy, shape)
}
