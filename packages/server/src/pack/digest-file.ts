/** SHA-256 of files, whole and by chunk, without holding more than one chunk. */
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'

/** The manifest's chunk size: small enough for one database record, large enough for few requests. */
export const chunkBytes = 4 * 1024 * 1024

export interface FileDigest {
  readonly bytes: number
  /** Lower-case hex, as all digests. */
  readonly sha256: string
  readonly chunks: readonly string[]
}

/** @throws the `ENOENT` of the file system, and `signal.reason`. */
export async function digestFile(path: string, signal?: AbortSignal): Promise<FileDigest> {
  const file = await open(path)
  try {
    const whole = createHash('sha256')
    const chunks: string[] = []
    const buffer = Buffer.allocUnsafe(chunkBytes)
    let bytes = 0
    for (;;) {
      signal?.throwIfAborted()
      const chunk = buffer.subarray(0, await fill(file, buffer))
      if (chunk.length > 0) {
        whole.update(chunk)
        chunks.push(sha256(chunk))
        bytes += chunk.length
      }
      if (chunk.length < chunkBytes) return { bytes, sha256: whole.digest('hex'), chunks }
    }
  } finally {
    await file.close()
  }
}

/** SHA-256 of what is in memory. */
export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

/** Reads until the buffer is full or the file ends: a single read may return less. */
async function fill(file: Awaited<ReturnType<typeof open>>, buffer: Buffer): Promise<number> {
  let filled = 0
  while (filled < buffer.length) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return filled
}
