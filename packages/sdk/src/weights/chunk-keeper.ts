/** Stores the chunks of one load beside it until that fails once; from then on, the load goes on from memory. */
import { messageOf } from '../errors/index.js'
import { createDeferred } from '../shared/index.js'
import type { Chunk } from './chunks.js'
import type { PendingWrites } from './pending-writes.js'
import type { Scratch } from './scratch.js'
import type { SharedDownload } from './tabs.js'
import type { WeightsDb } from './weights-db.js'

interface Keeping {
  readonly db: WeightsDb
  readonly writes: PendingWrites
  readonly scratch: Scratch
  /** Hears of each chunk that was stored, and of the end of it. */
  readonly shared: SharedDownload
  onNotStored?(reason: string): void
}

export class ChunkKeeper {
  readonly #keeping: Keeping
  readonly #written: Promise<void>[] = []
  /** A file may have the same chunk in several places. */
  readonly #digests = new Set<string>()
  #isStoring = true

  constructor(keeping: Keeping) {
    this.#keeping = keeping
  }

  /** Resolves when there was room to start the write. */
  async keep(chunk: Chunk, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (!this.#isStoring || this.#digests.has(chunk.digest)) return
    this.#digests.add(chunk.digest)
    const written = createDeferred<void>()
    this.#written.push(written.promise)
    await this.#keeping.writes.start(chunk.bytes, () => this.#store(chunk, bytes).finally(written.resolve))
  }

  /** Keeps no more chunks, and says why. */
  giveUp(reason: string): void {
    if (!this.#isStoring) return
    this.#isStoring = false
    this.#keeping.shared.goAlone()
    this.#keeping.onNotStored?.(reason)
  }

  /** Resolves when every chunk that was to be kept is stored, or cannot be. */
  async settled(): Promise<void> {
    await Promise.all(this.#written)
  }

  async #store(chunk: Chunk, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (!this.#isStoring) return
    const { db, scratch, shared } = this.#keeping
    try {
      await db.put(chunk.digest, scratch.blob(bytes))
      shared.tellStored(chunk)
    } catch (error) {
      this.giveUp(writeFailure(error))
    }
  }
}

function writeFailure(error: unknown): string {
  const name = error instanceof Error || error instanceof DOMException ? error.name : 'error'
  if (name === 'QuotaExceededError') return `the browser gives this site no more storage (${name}): ${messageOf(error)}`
  return `the weights database took no more chunks (${name}): ${messageOf(error)}`
}
