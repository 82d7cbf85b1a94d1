/** Cuts a file into the chunks that its manifest has digests for. */
import type { ManifestFile } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'

/** A piece of a file: what is asked for, verified and stored at once. */
export interface Chunk {
  readonly index: number
  /** Where it begins in the file. */
  readonly offset: number
  readonly bytes: number
  /** SHA-256, lower-case hex: also its key in the database. */
  readonly digest: string
}

/**
 * The chunks of a file in order; all have `chunkBytes` bytes, only the last may be shorter.
 *
 * @throws {EdgewardError} `MANIFEST_INVALID` when the file has not one digest for each chunk.
 */
export function splitIntoChunks(file: ManifestFile, chunkBytes: number): readonly Chunk[] {
  const expected = Math.ceil(file.bytes / chunkBytes)
  if (file.chunks.length !== expected) {
    const message = `${file.path}: ${file.bytes} bytes in chunks of ${chunkBytes} need ${expected} digests, the manifest has ${file.chunks.length}`
    throw new EdgewardError('MANIFEST_INVALID', message, { details: { file: file.path } })
  }
  return file.chunks.map((digest, index) => {
    const offset = index * chunkBytes
    return { index, offset, bytes: Math.min(chunkBytes, file.bytes - offset), digest }
  })
}
