/** What goes between the endpoint and the thread that holds a session. */
import type { TensorMap } from 'edgeward'
import type { ServedFile } from './read-models.js'

/** What a thread is started with. */
export interface SessionSource {
  /** The graph's file first, then those of its external data. */
  readonly files: readonly [ServedFile, ...ServedFile[]]
  /** Threads inside one run; 0 leaves it to ONNX Runtime, which takes one for each physical core. */
  readonly threadsPerRun: number
}

/** To the thread. It answers each `run` with one message; `close` frees the session and ends the thread. */
export type SessionRequest =
  { readonly kind: 'run'; readonly inputs: TensorMap; readonly outputs: readonly string[] } | { readonly kind: 'close' }

/**
 * From the thread: first `ready` or `failed`, then one for each `run`. `refused`: the model cannot run on these values,
 * such as an index outside of its table; `failed`: whatever else went wrong.
 */
export type SessionReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'outputs'; readonly outputs: TensorMap }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string }
