/** Loads one file: chunks from the database where they are right, from the network where they are not. */
import type { ManifestFile } from '../contract/index.js'
import { EdgewardError, messageOf } from '../errors/index.js'
import { splitIntoChunks, type Chunk } from './chunks.js'
import { downloadChunks } from './download.js'
import type { PendingWrites } from './pending-writes.js'
import type { WeightsSettings } from './settings.js'
import { sha256Hex } from './verify.js'
import type { WeightsDb } from './weights-db.js'
import type { LoadFileOptions } from './weights-store.js'

/** What all loads of a store share. */
export interface LoadContext {
  readonly settings: WeightsSettings
  readonly db: WeightsDb
  readonly writes: PendingWrites
}

/** How many chunks are read from the database at once: while one is hashed, another is read. */
const parallelReads = 4

export async function loadFile(
  context: LoadContext,
  file: ManifestFile,
  options: LoadFileOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks = splitIntoChunks(file, options.chunkBytes)
  const target = allocate(file)
  const noDatabase = await context.db.connect()
  const keep = createKeeper(context, options, noDatabase)
  const missing = noDatabase === undefined ? await readStored(context.db, chunks, target, options) : chunks
  await downloadChunks({
    ...context.settings,
    file,
    url: options.url,
    chunks: missing,
    target,
    signal: options.signal,
    onVerified: async (chunk, bytes) => {
      if (!options.signal.aborted) options.onBytes?.(chunk.bytes, 'network')
      await keep(chunk, bytes)
    },
  })
  return target
}

function allocate(file: ManifestFile): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(file.bytes)
  } catch (cause) {
    const message = `${file.path}: no buffer of ${file.bytes} bytes can be had: ${messageOf(cause)}`
    throw new EdgewardError('OUT_OF_MEMORY', message, { details: { file: file.path, bytes: file.bytes }, cause })
  }
}

/** Puts the stored chunks that verify into their places; resolves with the others, in the order of the file. */
async function readStored(
  db: WeightsDb,
  chunks: readonly Chunk[],
  target: Uint8Array<ArrayBuffer>,
  { signal, onBytes }: LoadFileOptions,
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

/** Stores chunks beside the load until that fails once; from then on, the load goes on from memory. */
function createKeeper(
  { db, writes }: LoadContext,
  { onNotStored }: LoadFileOptions,
  noDatabase: string | undefined,
): (chunk: Chunk, bytes: Uint8Array<ArrayBuffer>) => Promise<void> {
  let isStoring = true
  const giveUp = (reason: string) => {
    if (isStoring) onNotStored?.(reason)
    isStoring = false
  }
  if (noDatabase !== undefined) giveUp(noDatabase)

  return async (chunk, bytes) => {
    if (!isStoring) return
    await writes.start(chunk.bytes, async () => {
      if (!isStoring) return
      try {
        await db.put(chunk.digest, new Blob([bytes]))
      } catch (error) {
        giveUp(writeFailure(error))
      }
    })
  }
}

function writeFailure(error: unknown): string {
  const name = error instanceof Error || error instanceof DOMException ? error.name : 'error'
  if (name === 'QuotaExceededError') return `the browser gives this site no more storage (${name}): ${messageOf(error)}`
  return `the weights database took no more chunks (${name}): ${messageOf(error)}`
}
