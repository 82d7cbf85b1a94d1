/** Brings a file whose digests nobody has told: every chunk's is computed as it arrives, and kept. */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import type { ManifestFile } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import { abortable } from '../shared/index.js'
import { ChunkedFile } from './chunked-file.js'
import { splitIntoChunks, type Chunk } from './chunks.js'
import { downloadChunks } from './download.js'
import type { LoadContext } from './load-file.js'
import type { GraphSignature, Pin } from './pins.js'
import { readStored } from './read-chunks.js'
import { SharedDownload } from './tabs.js'
import { hasChanged, type Validator } from './validator.js'
import type { LoadFileOptions } from './weights-store.js'

export interface PinFileOptions extends Omit<LoadFileOptions, 'cacheOnly' | 'offline' | 'isVouched'> {
  /** See `pinKey`; absent for a file whose pin need not outlive this load. */
  readonly key: string | undefined
  /** Reads what a graph takes and gives; absent for other files. */
  readonly readSignature?: ((file: ChunkedFile, where: string) => GraphSignature) | undefined
  /** A chunk's digest is known, and it is about to be stored. */
  onPinned?(chunk: Chunk): void
}

export interface PinnedFile {
  readonly pin: Pin
  /** The file, when nothing of it could be stored: whoever loads it next takes it from here. */
  readonly bytes?: Blob
}

/**
 * Brings the chunks of a file that are not stored yet, in the ways of every download; what an earlier try has pinned is
 * verified against that. Another tab that pins the same file is waited for. When the file changes meanwhile, on whichever
 * day, it is begun anew.
 *
 * @throws {EdgewardError} `INTEGRITY` when the whole file has another SHA-256 than was told (nothing of it is kept then),
 *   `DOWNLOAD_FAILED` when it changes again and again, and as a load does.
 */
export async function pinFile(context: LoadContext, file: ManifestFile, options: PinFileOptions): Promise<PinnedFile> {
  const { key, signal } = options
  // A lock for whoever pins, and the way to say that somebody waits for it; of what is stored, the database tells.
  const priority = options.priority?.ofPart()
  const turn = key === undefined ? undefined : new SharedDownload(lockName(context, key), context.locks, priority)
  try {
    if (turn) await turnOf(turn, signal)
    const known = key === undefined ? undefined : await context.db.pin(key)
    if (known && known.sha256 !== '' && (known.signature || !options.readSignature)) return { pin: known }
    return await pinOneState(context, file, { ...options, priority }, known)
  } finally {
    turn?.leave()
  }
}

/** Changes that a file goes through in one load: more say that its server tells the same state by several validators. */
const mostChanges = 3

async function pinOneState(
  context: LoadContext,
  file: ManifestFile,
  options: PinFileOptions,
  known: Pin | undefined,
): Promise<PinnedFile> {
  let pinning = new Pinning(context, file, options, known)
  for (let changes = 1; ; changes += 1) {
    try {
      return await pinning.run()
    } catch (error) {
      if (error !== pinning.change || changes > mostChanges) throw error
      await pinning.forget()
      pinning = new Pinning(context, file, options, undefined)
    }
  }
}

class Pinning {
  /** Why what came is no one file, if so. */
  change: EdgewardError | undefined
  readonly #context: LoadContext
  readonly #file: ManifestFile
  readonly #options: PinFileOptions
  readonly #hash = sha256.create()
  readonly #loaded: ChunkedFile
  readonly #digests: string[]
  /** Chunks that have come, until those before them have. */
  readonly #early = new Map<number, Uint8Array<ArrayBuffer>>()
  readonly #came = { cache: 0, network: 0 }
  #validator: Validator | undefined
  #hashedChunks = 0
  #isStoring = true

  constructor(context: LoadContext, file: ManifestFile, options: PinFileOptions, known: Pin | undefined) {
    this.#context = context
    this.#file = file
    this.#options = options
    this.#loaded = new ChunkedFile(file, options.chunkBytes)
    this.#digests = file.chunks.map((digest, index) => digest || (known?.chunks[index] ?? ''))
    this.#validator = known?.validator
  }

  async run(): Promise<PinnedFile> {
    const { settings, db, scratch, ruledOut, network } = this.#context
    const { url, mirrorUrls = [], signal, refusal, priority } = this.#options
    const why = (await db.connect()) ?? refusal
    if (why !== undefined) this.#giveUp(why)
    const chunks = splitIntoChunks({ ...this.#file, chunks: this.#digests }, this.#options.chunkBytes)
    const pinned = chunks.filter(({ digest }) => digest !== '')
    for (const chunk of pinned) this.#options.onPinned?.(chunk)
    const missing = await readStored(this.#context, pinned, (chunk, bytes) => this.#take(chunk, bytes), {
      ...this.#options,
      onBytes: (bytes, from) => this.#tell(bytes, from),
    })
    await downloadChunks({
      ...settings,
      scratch,
      fetch: network.fetch,
      priority,
      file: this.#file,
      urls: [url, ...mirrorUrls],
      ruledOut,
      chunks: chunks.filter((chunk) => chunk.digest === '' || missing.includes(chunk)),
      signal,
      onBytes: (bytes) => {
        if (!signal.aborted) this.#tell(bytes, 'network')
      },
      onVerified: async (chunk, bytes, validator) => {
        this.#checkState(validator)
        // In this order: what is stored may be let go.
        await this.#keep(chunk, bytes)
        this.#take(chunk, bytes)
      },
    })
    return this.#finish()
  }

  /** Gives up what came: it is of a file that is no more. */
  async forget(): Promise<void> {
    const { key = '' } = this.#options
    for (const from of ['cache', 'network'] as const) this.#tell(-this.#came[from], from)
    if (!this.#isStoring) return
    // Where that fails, what comes next takes its place all the same, and its chunks can be pruned.
    await this.#context.db.dropPin(key, this.#digests).catch(() => undefined)
  }

  #tell(bytes: number, from: 'cache' | 'network'): void {
    this.#came[from] += bytes
    this.#options.onBytes?.(bytes, from)
  }

  /** @throws {EdgewardError} when a chunk is of another state of the file than those before; a known SHA-256 shows it too. */
  #checkState(validator: Validator | undefined): void {
    if (this.#file.sha256 === '' && hasChanged(this.#validator, validator)) {
      throw (this.change ??= changedFile(this.#file, this.#options.url))
    }
    this.#validator ??= validator
  }

  #take(chunk: Chunk, bytes: Uint8Array<ArrayBuffer>): void {
    this.#loaded.put(chunk.index, bytes)
    this.#early.set(chunk.index, bytes)
    for (let next = this.#early.get(this.#hashedChunks); next; next = this.#early.get(this.#hashedChunks)) {
      this.#hash.update(next)
      this.#early.delete(this.#hashedChunks)
      this.#letGo(this.#hashedChunks)
      this.#hashedChunks += 1
    }
  }

  /** What is stored is read from there; a graph's file is needed whole for a moment. */
  #letGo(index: number): void {
    if (this.#isStoring && !this.#options.readSignature) this.#loaded.letGo(index)
  }

  async #keep(chunk: Chunk, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const { db, scratch } = this.#context
    const { key } = this.#options
    this.#digests[chunk.index] = chunk.digest
    this.#options.onPinned?.(chunk)
    if (!this.#isStoring) return
    try {
      // First the chunk: a pin is worth something only with it.
      await db.put(chunk.digest, scratch.blob(bytes))
      if (key !== undefined) {
        const validator = this.#validator
        await db.putPin({ key, chunks: [...this.#digests], sha256: '', ...(validator !== undefined && { validator }) })
      }
    } catch (error) {
      this.#giveUp(`the weights database took no more chunks: ${String(error)}`)
    }
  }

  async #finish(): Promise<PinnedFile> {
    const { db } = this.#context
    const { key = '', url, readSignature } = this.#options
    const found = bytesToHex(this.#hash.digest())
    if (this.#file.sha256 !== '' && this.#file.sha256 !== found) {
      if (this.#isStoring) await db.dropPin(key, this.#digests)
      throw wrongFile(this.#file, url, found)
    }
    const signature = readSignature ? { signature: readSignature(this.#loaded, url) } : {}
    const pin: Pin = { key, chunks: this.#digests, sha256: found, ...signature }
    const isWhole = this.#loaded.heldChunks === this.#digests.length
    if (!this.#isStoring) return isWhole ? { pin, bytes: this.#toBlob() } : { pin }
    // Without it, the next visit reads the file once more.
    if (key !== '') await db.putPin(pin).catch((error: unknown) => this.#giveUp(String(error)))
    return { pin }
  }

  #toBlob(): Blob {
    const { byteLength, chunkBytes } = this.#loaded
    const parts: Uint8Array<ArrayBuffer>[] = []
    for (let at = 0; at < byteLength; at += chunkBytes) {
      parts.push(this.#loaded.subarray(at, Math.min(at + chunkBytes, byteLength)))
    }
    return new Blob(parts)
  }

  #giveUp(reason: string): void {
    this.#isStoring = false
    this.#options.onNotStored?.(reason)
  }
}

function lockName({ settings }: LoadContext, key: string): string {
  return `${settings.databaseName}-pin-${key}`
}

/** Resolves when nobody else pins it. Where there are no locks, as in sandboxed frames, everybody pins for themselves. */
async function turnOf(turn: SharedDownload, signal: AbortSignal): Promise<void> {
  await abortable(turn.join(), signal)
  while (turn.role === 'waiting') await turn.news(signal)
}

/** Without `details.problem`: asking for one chunk again does not help. */
function changedFile({ path }: ManifestFile, url: string): EdgewardError {
  const message = `${url}: ${path} changed on its server while it was downloaded; expected one ETag or Last-Modified for all of it`
  return new EdgewardError('DOWNLOAD_FAILED', message, { details: { url, file: path } })
}

function wrongFile({ path, sha256: expected }: ManifestFile, url: string, found: string): EdgewardError {
  const message = `${url}: ${path} has the SHA-256 ${found}, the hub says ${expected}; nothing of it was kept`
  return new EdgewardError('INTEGRITY', message, { details: { url, file: path, expected, found } })
}
