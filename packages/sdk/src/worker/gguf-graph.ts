/** Makes of a GGUF what ONNX Runtime creates a session from: a graph for the backend, and weights that are made when they are asked for. */
import type { Backend, Graph, VariantDtype } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import {
  buildLlama,
  type GgufFile,
  type GgufTensor,
  type LlamaBuild,
  type LlamaDtype,
  type WeightTensor,
} from '../formats/index.js'
import type { ChunkedFile } from '../weights/index.js'
import type { ReadGraph } from './graph-files.js'

/** Relative to the graph, which lies nowhere: no file has this name. */
const externalPath = 'weights'

/** The operator that a backend has a fast kernel of: research/generation.md §1b. */
export function attentionOf(backend: Backend): LlamaBuild['attention'] {
  return backend === 'wasm' ? 'Attention' : 'GroupQueryAttention'
}

/** @param maxContext - the most tokens that are attended to */
export function readGgufGraph(
  graph: Graph,
  gguf: GgufFile,
  file: ChunkedFile,
  place: { readonly backend: Backend; readonly variant: VariantDtype },
  maxContext: number,
): ReadGraph {
  const attention = attentionOf(place.backend)
  const built = buildLlama(gguf, { dtype: dtypeOf(place.variant), attention, externalPath, maxContext })
  const data = new MadeWeights(file, built.weights, built.externalBytes)
  const { inputs, outputs } = built
  return {
    graph: { ...graph, inputs, outputs },
    // Tensors are made again as often as they are asked for.
    input: { model: built.graph, externalData: [{ path: externalPath, data }], isReadAgain: false },
  }
}

/**
 * A file with weights that is nowhere: each is made when ONNX Runtime asks for its range. As with {@link ExternalFile}, what
 * `subarray` returns is good until its next call only.
 */
export class MadeWeights extends Uint8Array<ArrayBuffer> {
  readonly #file: ChunkedFile
  readonly #weights: ReadonlyMap<number, WeightTensor>
  #last: TransferableBuffer | undefined

  constructor(file: ChunkedFile, weights: readonly WeightTensor[], bytes: number) {
    super(new ArrayBuffer(0))
    this.#file = file
    this.#weights = new Map(weights.map((weight) => [weight.offset, weight]))
    // Accessors of the platform's class, which only a property of the object itself hides.
    Object.defineProperties(this, { byteLength: { value: bytes }, length: { value: bytes } })
  }

  /** @throws EdgewardError INTERNAL for a range that is no weight's; the glue fails the session then */
  override subarray(begin = 0, end = this.byteLength): Uint8Array<ArrayBuffer> {
    // At once, instead of when the collector comes by: all of them together are larger than the model.
    this.#last?.transfer?.(0)
    this.#last = undefined
    const weight = this.#weights.get(begin)
    if (weight?.bytes !== end - begin) throw new EdgewardError('INTERNAL', `no weight lies from ${begin} to ${end}`)
    const made = weight.make(({ offset, bytes }: GgufTensor) => this.#file.subarray(offset, offset + bytes))
    this.#last = made.buffer
    return made
  }
}

function dtypeOf(variant: VariantDtype): LlamaDtype {
  if (variant !== 'fp16') return variant
  const message = 'A GGUF can be run as fp32, q8, int8, q4 or q4f16; not as fp16.'
  throw new EdgewardError('MODEL_UNSUPPORTED', message, { details: { dtype: variant } })
}

/** Newer than the library of the compiler's target. */
type TransferableBuffer = ArrayBuffer & { transfer?(bytes: number): ArrayBuffer }
