/** What the doctor finds: what would make a page faster or safer. */

/** Everything that can be found; `docs/doctor.md` lists them. */
export type FindingCode =
  // The page.
  | 'insecure-context'
  | 'not-isolated'
  | 'wasm-missing'
  | 'wasm-blocked'
  | 'save-data'
  // The worker and ONNX Runtime.
  | 'worker-blocked'
  | 'worker-failed'
  | 'runtime-missing'
  | 'runtime-wrong-type'
  | 'runtime-uncompressed'
  | 'runtime-not-cached'
  // The GPU.
  | 'no-webgpu'
  | 'software-gpu'
  | 'no-shader-f16'
  // What the page may store.
  | 'no-database'
  | 'not-persisted'
  | 'quota-too-small'
  // Where models come from.
  | 'model-unreachable'
  | 'model-blocked'
  | 'model-missing'
  | 'model-no-ranges'
  | 'model-encoded'
  | 'model-not-cached'
  // Endpoints.
  | 'endpoint-unreachable'
  | 'endpoint-blocked'
  | 'endpoint-not-ready'
  | 'endpoint-no-load-report'

export interface Finding {
  readonly code: FindingCode
  /**
   * `error`: something does not work on this device. `warning`: it is slower or costs more than it must. `hint`: nothing is
   * wrong, but it is worth knowing.
   */
  readonly severity: 'error' | 'warning' | 'hint'
  /** What is the matter, in a sentence. */
  readonly problem: string
  /** What to do about it, with the header or the line to add. */
  readonly remedy: string
}
