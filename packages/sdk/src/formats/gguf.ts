/** Reads what a GGUF says of itself, and no more of the file than that. */
import { EdgewardError } from '../errors/index.js'
import type { GgufFile } from './gguf-types.js'

/**
 * Reads the header of a GGUF: its metadata, and where its tensors lie.
 *
 * @param read Gives the bytes of the file from `start` to before `end`.
 * @param bytes How long the file is.
 * @throws {EdgewardError} `MODEL_UNSUPPORTED` for what cannot be run, `MANIFEST_INVALID` for what is no GGUF or is damaged; and what
 * `read` throws.
 */
export function readGguf(read: (start: number, end: number) => Promise<Uint8Array>, bytes: number): Promise<GgufFile> {
  return Promise.reject(new EdgewardError('INTERNAL', `${bytes} ${read.name}`))
}
