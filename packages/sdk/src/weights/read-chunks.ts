/** Reads the chunks of a file from the database; what is not right there counts as missing. */
import type { Chunk } from './chunks.js'
import type { LoadContext } from './load-file.js'
import type { LoadFileOptions } from './weights-store.js'

/** How many chunks are read at once: while one is hashed, another is read. */
const parallelReads = 4

/** Hands over the stored chunks that are right; resolves with the others, in the order of the file. */
export async function readStored(
  context: Pick<LoadContext, 'db' | 'scratch'>,
  chunks: readonly Chunk[],
  take: (chunk: Chunk, bytes: Uint8Array<ArrayBuffer>) => void,
  { isVouched = false, signal, onBytes }: Pick<LoadFileOptions, 'isVouched' | 'signal' | 'onBytes'>,
): Promise<readonly Chunk[]> {
  const queue = [...chunks]
  const missing: Chunk[] = []
  const runLane = async () => {
    for (let chunk = queue.shift(); chunk; chunk = queue.shift()) {
      const bytes = await readChunk(context, chunk, isVouched)
      signal.throwIfAborted()
      if (bytes) {
        take(chunk, bytes)
        onBytes?.(chunk.bytes, 'cache')
      } else missing.push(chunk)
    }
  }
  await Promise.all(Array.from({ length: parallelReads }, runLane))
  return missing.sort((a, b) => a.offset - b.offset)
}

/** A stored chunk, or undefined when there is none that is right. */
async function readChunk(
  { db, scratch }: Pick<LoadContext, 'db' | 'scratch'>,
  chunk: Chunk,
  isVouched: boolean,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    const blob = await db.get(chunk.digest)
    if (!blob) return undefined
    const bytes = await readBlob(blob)
    const isRight = bytes?.length === chunk.bytes && (isVouched || (await scratch.sha256Hex(bytes)) === chunk.digest)
    if (isRight) return bytes
    await db.deleteWrong(chunk.digest, blob)
    return undefined
  } catch {
    // As good as absent: the network has it, and storing it again mends the record, or reports why it cannot.
    return undefined
  }
}

/** The bytes of a record, or undefined when the browser has lost them. */
async function readBlob(blob: Blob): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    // A copy, whose memory can be let go; see `Scratch`.
    return new Uint8Array(await blob.arrayBuffer()).slice()
  } catch {
    return undefined
  }
}
