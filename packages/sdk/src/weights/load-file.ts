/** Loads one file: chunks from the database where they are right, from the network where no tab has them. */
import type { ManifestFile } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import { abortable } from '../shared/index.js'
import { ChunkKeeper } from './chunk-keeper.js'
import { ChunkedFile } from './chunked-file.js'
import { splitIntoChunks, type Chunk } from './chunks.js'
import type { DownloadLocks } from './download-locks.js'
import { downloadChunks } from './download.js'
import type { RuledOutMirrors } from './mirrors.js'
import type { Network } from './network.js'
import type { PendingWrites } from './pending-writes.js'
import { readStored } from './read-chunks.js'
import type { Scratch } from './scratch.js'
import type { WeightsSettings } from './settings.js'
import { SharedDownload } from './tabs.js'
import type { WeightsDb } from './weights-db.js'
import type { LoadFileOptions } from './weights-store.js'

/** What all loads of a store share. */
export interface LoadContext {
  readonly settings: WeightsSettings
  readonly db: WeightsDb
  readonly writes: PendingWrites
  readonly scratch: Scratch
  /** The mirrors that served wrong bytes. */
  readonly ruledOut: RuledOutMirrors
  readonly locks: DownloadLocks
  readonly network: Network
}

/** One load, with what it needs at every step. */
interface FileLoad {
  readonly context: LoadContext
  readonly chunks: readonly Chunk[]
  take(chunk: Chunk, bytes: Uint8Array<ArrayBuffer>): void
  readonly shared: SharedDownload
  readonly options: LoadFileOptions
}

export async function loadFile(
  context: LoadContext,
  file: ManifestFile,
  options: LoadFileOptions,
): Promise<ChunkedFile> {
  const { settings, db, locks } = context
  const chunks = splitIntoChunks(file, options.chunkBytes)
  const loaded = new ChunkedFile(file, options.chunkBytes)
  const take = ({ index }: Chunk, bytes: Uint8Array<ArrayBuffer>) => {
    if (!options.cacheOnly) loaded.put(index, bytes)
  }
  const priority = options.priority?.ofPart()
  const shared = new SharedDownload(`${settings.databaseName}-download-${file.sha256}`, locks, priority)
  const keeper = new ChunkKeeper({ ...context, shared, onNotStored: (reason) => options.onNotStored?.(reason) })
  try {
    const noDatabase = await db.connect()
    const notKept = noDatabase ?? options.refusal
    if (notKept !== undefined) keeper.giveUp(notKept)
    // Without a network nobody's turn to download is waited for, and nothing below it is reached.
    if (options.offline) shared.goAlone()
    const missing = noDatabase === undefined ? await takeStored({ context, chunks, take, shared, options }) : chunks
    if (options.offline) {
      requireCached(file, missing)
      return loaded
    }
    await downloadChunks({
      ...settings,
      ...context,
      fetch: context.network.fetch,
      priority,
      file,
      urls: [options.url, ...(options.mirrorUrls ?? [])],
      chunks: missing,
      signal: options.signal,
      onBytes: (bytes) => {
        if (!options.signal.aborted) options.onBytes?.(bytes, 'network')
      },
      onVerified: async (chunk, bytes) => {
        take(chunk, bytes)
        await keeper.keep(chunk, bytes)
      },
    })
    return loaded
  } finally {
    // The next owner must find all that was verified. The load itself does not wait for the database.
    void keeper.settled().then(() => shared.leave())
  }
}

/** @throws EdgewardError NOT_CACHED when chunks are missing */
function requireCached(file: ManifestFile, missing: readonly Chunk[]): void {
  if (missing.length === 0) return
  const missingBytes = missing.reduce((sum, { bytes }) => sum + bytes, 0)
  const message = `${missingBytes} of the ${file.bytes} bytes of ${file.path} are not in the cache, and the policy says offline; models.download() brings them there while there is a network.`
  throw new EdgewardError('NOT_CACHED', message, { details: { missingFiles: [file.path], missingBytes } })
}

/**
 * Takes the chunks that are in the database, and those that another load's download brings there, until all have come or
 * it is this load's turn to download. Resolves with the missing ones, in the order of the file.
 */
async function takeStored({ context, chunks, take, shared, options }: FileLoad): Promise<readonly Chunk[]> {
  const { db } = context
  const { signal } = options
  // Before the first look at the database: what is stored after it comes with a message, or with this load's turn.
  await abortable(shared.join(), signal)
  let missing = chunks
  for (let heard: ReadonlySet<string> | undefined; ; heard = await shared.news(signal)) {
    // Whoever waits without a database would wait for nothing.
    if ((await db.connect()) !== undefined) shared.goAlone()
    const isOurTurn = shared.role !== 'waiting'
    const isThere = ({ digest }: Chunk) => isOurTurn || heard === undefined || heard.has(digest)
    const others = missing.filter((chunk) => !isThere(chunk))
    const unread = await readStored(context, missing.filter(isThere), take, options)
    missing = [...others, ...unread].sort((a, b) => a.offset - b.offset)
    if (isOurTurn || missing.length === 0) return missing
  }
}
