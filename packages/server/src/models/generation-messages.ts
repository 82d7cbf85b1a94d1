/** What goes between the endpoint and the thread that holds a language model. */
import type { ErrorCode, ErrorDetails } from 'edgeward'
import type { GenerationEvent, GenerationRequest, LanguageModelConfig } from 'edgeward/generation'
import type { VariantDtype } from 'edgeward/manifest'
import type { ServedFile } from './read-models.js'

/** What a thread is started with. */
export interface LanguageModelSource {
  /** The graph's file first, then those of its external data; or one GGUF. */
  readonly files: readonly [ServedFile, ...ServedFile[]]
  /** What a GGUF's blocks become; of ONNX files, what they are. */
  readonly dtype: VariantDtype
  /** A GGUF has them in itself. */
  readonly tokenizer?: ServedFile
  readonly tokenizerConfig?: ServedFile
  /** What the manifest says of it. */
  readonly config: LanguageModelConfig
  /** Threads inside one run; 0 leaves it to ONNX Runtime, which takes one for each physical core. */
  readonly threadsPerRun: number
  /** How many streams may go on at a time. */
  readonly maxStreams: number
}

/** To the thread. Each `next` is answered by one `event`, `end` or `error`; `close` frees the model and ends the thread. */
export type GenerationCommand =
  | { readonly kind: 'start'; readonly stream: number; readonly request: GenerationRequest }
  | { readonly kind: 'next'; readonly stream: number }
  | { readonly kind: 'stop'; readonly stream: number }
  | { readonly kind: 'close' }

/** From the thread: first `ready` or `failed`; `alive` after each run of the graph, which shows that it does not hang. */
export type GenerationReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'alive' }
  | { readonly kind: 'event'; readonly stream: number; readonly event: GenerationEvent }
  | { readonly kind: 'end'; readonly stream: number }
  | {
      readonly kind: 'error'
      readonly stream: number
      readonly code: ErrorCode
      readonly message: string
      readonly details: ErrorDetails
    }
