/** The graph of a language model in the making, with what its weights are made of. */
import { EdgewardError } from '../errors/index.js'
import type { GgufFile, GgufTensor } from './gguf-types.js'
import { tensorOf, unsupported, type LlamaShape } from './llama-graph-shape.js'
import type { LlamaBuild, WeightTensor } from './llama-graph-types.js'
import { OnnxGraph, type WrittenDtype } from './onnx-graph.js'
import { matrixOf, type MakeWeight, type Matrix } from './weight-layout-matrix.js'
import { floatRows, type FloatDtype } from './weight-layout.js'

/** A tensor of the GGUF by its name; `pairedHead` as a matrix's part has it. */
export interface GraphPart {
  readonly name: string
  readonly rows: number
  readonly pairedHead?: number | undefined
}

/** The graph, and the tensors of the GGUF that went into it. */
export class LlamaGraph {
  readonly onnx: OnnxGraph
  readonly shape: LlamaShape
  readonly build: LlamaBuild
  readonly weights: WeightTensor[] = []
  readonly #gguf: GgufFile
  readonly #taken = new Set<string>()

  constructor(gguf: GgufFile, shape: LlamaShape, build: LlamaBuild) {
    this.#gguf = gguf
    this.shape = shape
    this.build = build
    this.onnx = new OnnxGraph(build.externalPath)
  }

  /** Of activations, and of weights that are not quantised. */
  get float(): FloatDtype {
    return this.build.dtype === 'q4f16' ? 'float16' : 'float32'
  }

  /** @returns `name` */
  weight(name: string, dtype: WrittenDtype, shape: readonly number[], make: MakeWeight): string {
    this.weights.push({ name, ...this.onnx.weight(name, dtype, shape), make })
    return name
  }

  /** A vector as it is in the GGUF. */
  vector(name: string, matrix: Matrix): string {
    return this.weight(name, this.float, [matrix.rows], floatRows(matrix, this.float))
  }

  /**
   * A tensor of the GGUF.
   *
   * @throws {EdgewardError} `MANIFEST_INVALID` when it is not there, or of another shape.
   */
  take(name: string, ...shape: readonly number[]): GgufTensor {
    const tensor = tensorOf(this.#gguf, name)
    if (tensor.shape.join() !== shape.join()) {
      const problem = `${name} has the shape [${tensor.shape.join()}] where [${shape.join()}] is right`
      throw new EdgewardError('MANIFEST_INVALID', problem, { details: { tensor: name } })
    }
    this.#taken.add(name)
    return tensor
  }

  has(name: string): boolean {
    return this.#gguf.tensors.has(name)
  }

  /** Whole tensors, one after the other: matrices of as many columns, or vectors. */
  matrix(columns: number | 'vectors', ...parts: readonly GraphPart[]): Matrix {
    return matrixOf(
      ...parts.map(({ name, rows, pairedHead }) => ({
        tensor: this.take(name, ...(columns === 'vectors' ? [] : [columns]), rows),
        ...(pairedHead === undefined ? {} : { pairedHead }),
      })),
    )
  }

  /**
   * Of what nobody took, something would be missing from the graph.
   *
   * @throws {EdgewardError} `MODEL_UNSUPPORTED`
   */
  expectAllTaken(): void {
    const left = [...this.#gguf.tensors.keys()].filter((name) => !this.#taken.has(name))
    if (left.length > 0)
      throw unsupported(`tensors that nothing is known of (${left.slice(0, 3).join(', ')})`, 'a model without')
  }
}
