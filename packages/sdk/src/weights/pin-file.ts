/** Brings a file whose digests nobody has told: every chunk's is computed as it arrives, and kept. */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import type { ManifestFile } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import { ChunkedFile } from './chunked-file.js'
import { splitIntoChunks, type Chunk } from './chunks.js'
import type { Release } from './download-locks.js'
import { downloadChunks } from './download.js'
import type { LoadContext } from './load-file.js'
import type { GraphSignature, Pin } from './pins.js'
import { readStored } from './read-chunks.js'
import type { LoadFileOptions } from './weights-store.js'

export interface PinFileOptions extends Omit<LoadFileOptions, 'cacheOnly' | 'offline' | 'priority'> {
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
 * verified against that. Another tab that pins the same file is waited for.
 *
 * @throws {EdgewardError} `INTEGRITY` when the whole file has another SHA-256 than was told (nothing of it is kept then),
 *   and as a load does.
 */
export async function pinFile(context: LoadContext, file: ManifestFile, options: PinFileOptions): Promise<PinnedFile> {
  const { key, signal } = options
  const release = await takeLock(context, key, signal)
  try {
    const known = key === undefined ? undefined : await context.db.pin(key)
    if (known && known.sha256 !== '' && (known.signature || !options.readSignature)) return { pin: known }
    return await new Pinning(context, file, options, known).run()
  } finally {
    release()
  }
}

class Pinning {
  readonly #context: LoadContext
  readonly #file: ManifestFile
  readonly #options: PinFileOptions
  readonly #hash = sha256.create()
  readonly #loaded: ChunkedFile
  readonly #digests: string[]
  /** Chunks that have come, until those before them have. */
  readonly #early = new Map<number, Uint8Array<ArrayBuffer>>()
  #hashedChunks = 0
  #isStoring = true

  constructor(context: LoadContext, file: ManifestFile, options: PinFileOptions, known: Pin | undefined) {
    this.#context = context
    this.#file = file
    this.#options = options
    this.#loaded = new ChunkedFile(file, options.chunkBytes)
    this.#digests = file.chunks.map((digest, index) => digest || (known?.chunks[index] ?? ''))
  }

  async run(): Promise<PinnedFile> {
    const { settings, db, scratch, ruledOut, network } = this.#context
    const { url, mirrorUrls = [], signal, refusal, onBytes } = this.#options
    const why = (await db.connect()) ?? refusal
    if (why !== undefined) this.#giveUp(why)
    const chunks = splitIntoChunks({ ...this.#file, chunks: this.#digests }, this.#options.chunkBytes)
    const pinned = chunks.filter(({ digest }) => digest !== '')
    for (const chunk of pinned) this.#options.onPinned?.(chunk)
    const missing = await readStored(this.#context, pinned, (chunk, bytes) => this.#take(chunk, bytes), this.#options)
    await downloadChunks({
      ...settings,
      scratch,
      fetch: network.fetch,
      file: this.#file,
      urls: [url, ...mirrorUrls],
      ruledOut,
      chunks: chunks.filter((chunk) => chunk.digest === '' || missing.includes(chunk)),
      signal,
      onBytes: (bytes) => {
        if (!signal.aborted) onBytes?.(bytes, 'network')
      },
      onVerified: async (chunk, bytes) => {
        // In this order: what is stored may be let go.
        await this.#keep(chunk, bytes)
        this.#take(chunk, bytes)
      },
    })
    return this.#finish()
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
      if (key !== undefined) await db.putPin({ key, chunks: [...this.#digests], sha256: '' })
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

/** Where there are no locks, as in sandboxed frames, everybody pins for themselves. */
async function takeLock(
  { settings, locks }: LoadContext,
  key: string | undefined,
  signal: AbortSignal,
): Promise<Release> {
  const nothing = () => undefined
  if (key === undefined) return nothing
  try {
    return await locks.take(`${settings.databaseName}-pin-${key}`, signal)
  } catch {
    signal.throwIfAborted()
    return nothing
  }
}

function wrongFile({ path, sha256: expected }: ManifestFile, url: string, found: string): EdgewardError {
  const message = `${url}: ${path} has the SHA-256 ${found}, the hub says ${expected}; nothing of it was kept`
  return new EdgewardError('INTEGRITY', message, { details: { url, file: path, expected, found } })
}
