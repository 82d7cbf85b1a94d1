/** Reads a model's file and checks it against its manifest: a wrong one could give wrong answers without any error. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import type { ServedFile } from './read-models.js'

/** How much is read at a time. */
const pieceBytes = 16 * 1024 * 1024

/**
 * The bytes of a file, which are those of its manifest whatever happens to the file later.
 *
 * @throws {Error} that names the file, when they are not.
 */
export async function readModelFile(file: ServedFile): Promise<Uint8Array> {
  await checkSize(file)
  const bytes = new Uint8Array(file.bytes)
  const hash = createHash('sha256')
  const handle = await open(file.filePath)
  try {
    for (let at = 0; at < bytes.length;) {
      const { bytesRead } = await handle.read(bytes, at, Math.min(pieceBytes, bytes.length - at), at)
      if (bytesRead === 0) throw wrong(file, `ends after ${at} bytes`)
      hash.update(bytes.subarray(at, at + bytesRead))
      at += bytesRead
    }
  } finally {
    await handle.close()
  }
  checkDigest(file, hash.digest('hex'))
  return bytes
}

/** @throws {Error} that names the file, when it is not there or not as long as its manifest says. */
export async function checkSize(file: ServedFile): Promise<void> {
  const { size } = await stat(file.filePath)
  if (size !== file.bytes) throw wrong(file, `has ${size} bytes`)
}

/** @throws {Error} that names the file, when its bytes are not those of its manifest. */
export async function checkContent(file: ServedFile, signal: AbortSignal): Promise<void> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file.filePath), hash, { signal })
  checkDigest(file, hash.digest('hex'))
}

function checkDigest(file: ServedFile, found: string): void {
  if (found !== file.sha256) throw wrong(file, `has the SHA-256 ${found}`)
}

function wrong({ filePath, bytes, sha256 }: ServedFile, found: string): Error {
  return new Error(`${filePath} ${found}, but its manifest says ${bytes} bytes with ${sha256}: pack the model again`)
}
