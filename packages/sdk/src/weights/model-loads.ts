/** The loads of models that are going on: room is made before each, what it needs is kept, and it is published after. */
import type { ModelSource, VariantDtype } from '../contract/index.js'
import type { LoadLocks } from './load-locks.js'
import { neededChunks, neededFiles, storedBytes, sumBytes, vouchedAt, type NeededChunk } from './model-record.js'
import type { ModelRecords } from './model-records.js'
import type { WeightsSettings } from './settings.js'
import { cacheFailure, type SpaceNeed, type StorageSpace } from './storage-space.js'
import type { WeightsDb } from './weights-db.js'

/** Who hears what becomes of a model in the cache. */
export interface CacheListener {
  /** How many of the bytes that the load needs the cache lacks. */
  onMissing?(bytes: number): void
  /** Weights cannot be kept, so that they will be fetched again next time. */
  onNotStored?(reason: string): void
  /** Another model had to go. */
  onEvicted?(model: string, reason: string): void
  /** The model was not in the cache, and now is. */
  onPublished?(): void
}

/** A load that was let in. */
export interface AdmittedLoad {
  /** Why nothing of it may be stored, if so. */
  readonly refusal: string | undefined
  /** Whether what is stored of it was verified a short while ago; its large files then need not be hashed. */
  readonly isVouched: boolean
  /** Everything was loaded: when `stored` resolves, the model is published if every chunk is there. */
  publish(stored: Promise<void>): Promise<void>
  /** The load failed; what it has stored stays for the next one. */
  giveUp(): void
}

/** A load of files whose digests nobody has told. */
export interface UnpinnedLoad extends Pick<AdmittedLoad, 'refusal' | 'giveUp'> {
  /** A chunk's digest is known from now on. */
  learnt(chunk: NeededChunk): void
}

interface Load {
  readonly id: string
  readonly chunks: readonly NeededChunk[]
  readonly listener: CacheListener
  /** Whether there was room for it: what it has not stored yet is promised to it. */
  isPromised: boolean
}

export class ModelLoads {
  readonly #db: WeightsDb
  readonly #records: ModelRecords
  readonly #space: StorageSpace
  readonly #locks: LoadLocks
  readonly #settings: Pick<WeightsSettings, 'reverifyAfterMs' | 'alwaysVerifiedBytes'>
  readonly #loads = new Set<Load>()
  /** Loads are let in one after the other: each leaves alone what those before it were promised. */
  #lastAdmission: Promise<unknown> = Promise.resolve()

  constructor(
    db: WeightsDb,
    records: ModelRecords,
    space: StorageSpace,
    locks: LoadLocks,
    settings: Pick<WeightsSettings, 'reverifyAfterMs' | 'alwaysVerifiedBytes'>,
  ) {
    this.#db = db
    this.#records = records
    this.#space = space
    this.#locks = locks
    this.#settings = settings
  }

  /** The digests that loads in flight name. */
  get inFlight(): ReadonlySet<string> {
    return new Set([...this.#loads].flatMap(({ chunks }) => chunks.map(({ digest }) => digest)))
  }

  /** Makes room for what of a model is not stored yet. Never rejects: a cache that fails refuses. */
  async admit(source: ModelSource, dtype: VariantDtype, listener: CacheListener): Promise<AdmittedLoad> {
    const { manifest } = source
    const load: Load = { id: manifest.id, chunks: neededChunks(manifest, dtype), listener, isPromised: false }
    this.#loads.add(load)
    const reserving = this.#lastAdmission.then(() => this.#reserve(load)).catch(cacheFailure)
    this.#lastAdmission = reserving.then((refusal) => (load.isPromised = refusal === undefined))
    const [release, refusal, verifiedAt] = await Promise.all([
      this.#locks.announce(load.id),
      reserving,
      this.#vouchedAt(source, dtype),
    ])
    const end = () => {
      this.#loads.delete(load)
      release()
    }
    if (refusal !== undefined) listener.onNotStored?.(refusal)
    return {
      refusal,
      isVouched: verifiedAt !== undefined,
      publish: async (stored) => {
        try {
          await stored
          if (refusal === undefined) await this.#publish(source, dtype, load, verifiedAt)
        } finally {
          end()
        }
      },
      giveUp: end,
    }
  }

  /** Lets in files whose digests are not known yet: what is learnt of them is kept until `giveUp`. Never rejects. */
  async admitUnpinned(id: string, bytes: number, listener: CacheListener): Promise<UnpinnedLoad> {
    const chunks: NeededChunk[] = []
    const load: Load = { id, chunks, listener, isPromised: false }
    this.#loads.add(load)
    if (bytes > 0) listener.onMissing?.(bytes)
    const release = await this.#locks.announce(id)
    const end = () => {
      this.#loads.delete(load)
      release()
    }
    const noDatabase = await this.#db.connect()
    const refusal = noDatabase ?? (await this.#space.reserve(this.#need(bytes)).catch(cacheFailure))
    if (refusal !== undefined) listener.onNotStored?.(refusal)
    return { refusal, learnt: (chunk) => void chunks.push(chunk), giveUp: end }
  }

  /**
   * Deletes what no model and no load needs; resolves with its bytes. What other tabs store now, no record names yet:
   * while one of them loads, nothing is deleted.
   */
  async prune(): Promise<number> {
    return (await this.#locks.elsewhere()).size > 0 ? 0 : this.#records.prune(this.inFlight)
  }

  /** After the browser refused a chunk: makes room for it, at the cost of models that nobody loads now. */
  async makeRoom(bytes: number): Promise<boolean> {
    try {
      return await this.#space.make(this.#need(bytes))
    } catch {
      return false // The refusal that led here is the reason that is told.
    }
  }

  async #reserve(load: Load): Promise<string | undefined> {
    const { chunks, listener } = load
    const noDatabase = await this.#db.connect()
    if (noDatabase !== undefined) {
      listener.onMissing?.(sumBytes(chunks))
      return noDatabase
    }
    const others = [...this.#loads].filter((other) => other !== load && other.isPromised)
    const promised = others.flatMap((other) => other.chunks)
    const stored = await this.#db.stored([...chunks, ...promised].map(({ digest }) => digest))
    const isMissing = ({ digest }: NeededChunk) => !stored.has(digest)
    listener.onMissing?.(sumBytes(chunks.filter(isMissing)))
    const counted = new Set(promised.map(({ digest }) => digest))
    const bytes = sumBytes(chunks.filter((chunk) => isMissing(chunk) && !counted.has(chunk.digest)))
    if (bytes === 0) return undefined
    const present = [...chunks.filter((chunk) => !isMissing(chunk)), ...promised]
    const promisedBytes = storedBytes([{ chunks: promised.filter(isMissing) }])
    return this.#space.reserve({ ...this.#need(bytes), present, promisedBytes })
  }

  /** When a variant was verified, if its load need not do it again; a load that hashes all of it anyway does. */
  async #vouchedAt(source: ModelSource, dtype: VariantDtype): Promise<number | undefined> {
    const { reverifyAfterMs, alwaysVerifiedBytes } = this.#settings
    if (neededFiles(source.manifest, dtype).every(({ bytes }) => bytes <= alwaysVerifiedBytes)) return undefined
    const record = await this.#records.get(source.manifest.id).catch(() => undefined) // Then nothing vouches for it.
    return vouchedAt(record, source, dtype, { now: Date.now(), reverifyAfterMs })
  }

  async #publish(source: ModelSource, dtype: VariantDtype, { listener }: Load, verifiedAt?: number): Promise<void> {
    try {
      const published = await this.#records.publish(source, dtype, this.inFlight, verifiedAt)
      if (published === 'new') listener.onPublished?.()
      if (published === 'incomplete') listener.onNotStored?.('some of its chunks are not in the cache')
    } catch (error) {
      listener.onNotStored?.(cacheFailure(error))
    }
  }

  #need(bytes: number): SpaceNeed {
    const loads = [...this.#loads]
    const names = loads.map(({ id }) => id).join(', ')
    return {
      bytes,
      present: [],
      promisedBytes: 0,
      inUse: new Set(loads.map(({ id }) => id)),
      inFlight: this.inFlight,
      elsewhere: () => this.#locks.elsewhere(),
      onEvicted: (ids) => {
        const tell = loads.at(-1)?.listener
        for (const id of ids) tell?.onEvicted?.(id, `it was used least recently, and made room for ${names}`)
      },
    }
  }
}
