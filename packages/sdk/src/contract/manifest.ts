/** The manifest: the JSON that describes a model to the SDK, the endpoint and the packing tool. */
import type { TaskName } from './task.js'
import type { TensorDtype } from './tensor.js'

/** What executes a graph on the device. */
export type Backend = 'webgpu' | 'wasm'

/** How a variant's weights are stored and computed; see "variant" in the design's words. */
export type VariantDtype = 'fp32' | 'fp16' | 'q8' | 'int8' | 'q4' | 'q4f16'

/**
 * A file of the model, with the digests that make it trustworthy. For a model that comes without a manifest (from a hub
 * or from the user), digests that nobody has told are empty until the file is first used: they are pinned then.
 */
export interface ManifestFile {
  /** Where the file lies, relative to the manifest; plain path segments, no `..`, no leading slash. */
  readonly path: string
  /** Its size. */
  readonly bytes: number
  /** SHA-256 of the whole file, lower-case hex. */
  readonly sha256: string
  /** SHA-256 of each chunk of {@link Manifest.chunkBytes} bytes in order, lower-case hex; the last may be shorter. */
  readonly chunks: readonly string[]
}

/** What a graph takes or gives. A symbolic dimension is a string: the same string means the same length. */
export interface TensorSpec {
  readonly name: string
  readonly dtype: TensorDtype
  readonly shape: readonly (number | string)[]
}

/** An input of a canary: either its values, or a deterministic ramp, `((i mod 17) − 8) / 8`, rounded down for integers. */
export type CanaryInput =
  | { readonly dtype: TensorDtype; readonly shape: readonly number[]; readonly data: readonly (number | string)[] }
  | { readonly dtype: TensorDtype; readonly shape: readonly number[]; readonly fill: 'ramp' }

/** What an output of a canary must be: every `stride`-th value of the flat data. */
export interface CanaryOutput {
  readonly shape: readonly number[]
  readonly stride: number
  readonly values: readonly number[]
  /** The largest absolute difference allowed: `absolute + relative × |expected|`. */
  readonly tolerance: { readonly absolute: number; readonly relative: number }
}

/** A known input with its known output: run right after a session is made, it finds backends that compute wrongly. */
export interface Canary {
  readonly inputs: Readonly<Record<string, CanaryInput>>
  readonly outputs: Readonly<Record<string, CanaryOutput>>
  /**
   * The build of the model that gave the outputs, run natively: `fp32` where there is one, else the variant's own dtype.
   * Absent in manifests of older tools, which always took the variant itself.
   */
  readonly madeFrom?: VariantDtype
}

/** One ONNX graph of a variant. A model has one (named `model`) or several (an OCR's `detection`, `recognition`, …). */
export interface Graph {
  /** An ONNX file; or, of the task text-generation, a GGUF, of which the graph and its weights are made when it is loaded. */
  readonly file: ManifestFile
  /**
   * The files with the weights that are not in `file` itself (ONNX external data). The graph names each by its path
   * relative to the folder of `file`.
   */
  readonly externalData?: readonly ManifestFile[]
  readonly inputs: readonly TensorSpec[]
  readonly outputs: readonly TensorSpec[]
  readonly canary?: Canary
}

/** One build of the model. */
export interface Variant {
  readonly dtype: VariantDtype
  /** The backends this variant is meant for, best first. */
  readonly backends: readonly Backend[]
  /** The most memory that its sessions take, where that does not follow from the size of its files. */
  readonly memoryBytes?: number
  readonly graphs: Readonly<Record<string, Graph>>
}

/** Where a source file came from. */
export interface Provenance {
  readonly file: string
  /** The source that answered, e.g. `npm:package@1.0.0/path`. */
  readonly source: string
  readonly sha256: string
}

/** What a model costs to run, for a first guess of its speed; the packing tool counts it. */
export interface ModelCost {
  /** How many weights it has. */
  readonly parameters: number
  /** Floating-point operations for one unit of work; see {@link PlanRequestSize}. Absent: two for each parameter. */
  readonly operationsPerUnit?: number
  /** Weights of its largest tensor, which a GPU must bind in one piece. */
  readonly largestTensorParameters?: number
}

/** A model's manifest, as `manifest.json` holds it. */
export interface Manifest {
  readonly schemaVersion: 1
  /**
   * The model's id: the name of its folder, and its name at an endpoint. Of a model that came without a manifest,
   * `hf:organisation/repository`, `hf:organisation/repository/file.gguf`, the address of a GGUF, or `local:name`.
   */
  readonly id: string
  /** Changes whenever a file or a setting changes; on a hub, the commit. */
  readonly revision: string
  readonly task: TaskName
  /** An SPDX expression. */
  readonly licence: string
  /** The bytes of each chunk but a file's last: 4 MiB, as the packing tool makes it; 16 MiB at most. */
  readonly chunkBytes: number
  /** What the task needs beside the graphs, by role: `tokenizer`, `tokenizerConfig`, `characters`, … */
  readonly assets: Readonly<Record<string, ManifestFile>>
  /** The task's own settings, such as pooling; checked by the task. */
  readonly config: Readonly<Record<string, unknown>>
  readonly cost?: ModelCost
  /** Best first. */
  readonly variants: readonly [Variant, ...Variant[]]
  readonly provenance: readonly Provenance[]
  /** The packing tool's name and version. */
  readonly packedBy: string
}
