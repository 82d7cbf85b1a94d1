/** What the decode loop must know of a GGUF's model. */
import type { LanguageModelConfig } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import type { GgufFile } from './gguf-types.js'

/** @throws {EdgewardError} `MODEL_UNSUPPORTED` for other architectures, `MANIFEST_INVALID` where metadata is missing. */
export function languageModelConfig(gguf: GgufFile): LanguageModelConfig {
  throw new EdgewardError('INTERNAL', `${gguf.tensors.size}`)
}
