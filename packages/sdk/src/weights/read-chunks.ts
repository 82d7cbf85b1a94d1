/** Reads the chunks of a file from the database; what is not right there counts as missing. */
import type { Chunk } from './chunks.js'
import { sha256Hex } from './verify.js'
import type { WeightsDb } from './weights-db.js'
import type { LoadFileOptions } from './weights-store.js'

/** How many chunks are read at once: while one is hashed, another is read. */
const parallelReads = 4

/** Puts the stored chunks that verify into their places; resolves with the others, in the order of the file. */
export async function readStored(
  db: WeightsDb,
  chunks: readonly Chunk[],
  target: Uint8Array<ArrayBuffer>,
  { signal, onBytes }: Pick<LoadFileOptions, 'signal' | 'onBytes'>,
): Promise<readonly Chunk[]> {
  const queue = [...chunks]
  const missing: Chunk[] = []
  const runLane = async () => {
    for (let chunk = queue.shift(); chunk; chunk = queue.shift()) {
      const bytes = await readChunk(db, chunk)
      signal.throwIfAborted()
      if (bytes) {
        target.set(bytes, chunk.offset)
        onBytes?.(chunk.bytes, 'cache')
      } else missing.push(chunk)
    }
  }
  await Promise.all(Array.from({ length: parallelReads }, runLane))
  return missing.sort((a, b) => a.offset - b.offset)
}

/** A stored chunk, or undefined when there is none that is right. */
async function readChunk(db: WeightsDb, chunk: Chunk): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    const blob = await db.get(chunk.digest)
    if (!blob) return undefined
    const bytes = await readBlob(blob)
    if (bytes && (await sha256Hex(bytes)) === chunk.digest) return bytes
    await db.delete(chunk.digest)
    return undefined
  } catch {
    // As good as absent: the network has it, and storing it again mends the record, or reports why it cannot.
    return undefined
  }
}

/** The bytes of a record, or undefined when the browser has lost them. */
async function readBlob(blob: Blob): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return new Uint8Array(await blob.arrayBuffer())
  } catch {
    return undefined
  }
}
