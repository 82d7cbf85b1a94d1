/** Reads and changes the records of models, and the chunks with them: each change is one transaction. */
import type { ModelSource, VariantDtype } from '../contract/index.js'
import { completedRecord, namedDigests, type ModelRecord } from './model-record.js'
import { garbageChunks } from './plan-eviction.js'
import type { WeightsDatabase, WeightsDb } from './weights-db.js'

/** What a publication came to. */
export type Published = 'new' | 'known' | 'incomplete'

type Change = ReturnType<typeof startChange>

export class ModelRecords {
  readonly #db: WeightsDb

  constructor(db: WeightsDb) {
    this.#db = db
  }

  /** Every record; none when the database cannot be had. */
  async all(): Promise<readonly ModelRecord[]> {
    if ((await this.#db.connect()) !== undefined) return []
    return this.#db.use('listing', (database) => database.getAll('models'))
  }

  async get(id: string): Promise<ModelRecord | undefined> {
    if ((await this.#db.connect()) !== undefined) return undefined
    return this.#db.use('reading', (database) => database.get('models', id))
  }

  /**
   * Writes that a variant is complete, if every one of its chunks is there. A new revision takes the place of the old
   * one, whose chunks go unless another model or a load in flight needs them.
   *
   * @param verifiedAt When its chunks were hashed, if not by the load that publishes it.
   */
  publish(
    source: ModelSource,
    dtype: VariantDtype,
    inFlight: ReadonlySet<string>,
    verifiedAt?: number,
  ): Promise<Published> {
    const publish = async (change: Change): Promise<Published> => {
      const earlier = await change.models.get(source.manifest.id)
      // A load that began from the cache, with a revision that another has replaced meanwhile.
      if (source.cachedVariants && earlier && earlier.revision !== source.manifest.revision) return 'known'
      const record = completedRecord(source, dtype, earlier, Date.now(), verifiedAt)
      const keys = await Promise.all(record.chunks.map(({ digest }) => change.chunks.getKey(digest)))
      if (keys.includes(undefined)) return 'incomplete'
      await change.models.put(record)
      if (earlier) await deleteGarbage(change, [earlier], inFlight)
      return earlier?.revision === record.revision && earlier.variants.includes(dtype) ? 'known' : 'new'
    }
    // About what a record takes: the manifest is most of it.
    return this.#db.withRoom(JSON.stringify(source.manifest).length, () => this.#change(publish))
  }

  /** Changes what a record says, if there is one; resolves with whether there is. */
  async update(id: string, patch: Partial<Pick<ModelRecord, 'isPinned' | 'verifiedAt'>>): Promise<boolean> {
    if ((await this.#db.connect()) !== undefined) return false
    return this.#change(async ({ models }) => {
      const record = await models.get(id)
      if (record) await models.put({ ...record, ...patch })
      return record !== undefined
    })
  }

  /** Drops models and the chunks that then nobody needs; resolves with the bytes of these chunks. */
  async remove(ids: readonly string[], inFlight: ReadonlySet<string>): Promise<number> {
    if ((await this.#db.connect()) !== undefined) return 0
    return this.#change(async (change) => {
      const records = await Promise.all(ids.map((id) => change.models.get(id)))
      await Promise.all(ids.map((id) => change.models.delete(id)))
      return deleteGarbage(
        change,
        records.filter((record) => record !== undefined),
        inFlight,
      )
    })
  }

  /** Deletes chunks that turned out wrong, and the records of the models that need them: these are no longer whole. */
  withdraw(digests: ReadonlySet<string>): Promise<void> {
    return this.#change(async ({ models, chunks }) => {
      await Promise.all(Array.from(digests, (digest) => chunks.delete(digest)))
      const holed = (await models.getAll()).filter((record) => record.chunks.some(({ digest }) => digests.has(digest)))
      await Promise.all(holed.map(({ id }) => models.delete(id)))
    })
  }

  /**
   * Deletes every chunk that no record and no load in flight names, unless all of them together have `mostBytes` at most;
   * resolves with the bytes of what was deleted.
   */
  async prune(inFlight: ReadonlySet<string>, mostBytes = -1): Promise<number> {
    if ((await this.#db.connect()) !== undefined) return 0
    return this.#change(async ({ models, chunks }) => {
      const needed = namedDigests(await models.getAll())
      const orphans: string[] = []
      let bytes = 0
      for (let cursor = await chunks.openCursor(); cursor; cursor = await cursor.continue()) {
        if (needed.has(cursor.key) || inFlight.has(cursor.key)) continue
        orphans.push(cursor.key)
        bytes += sizeOf(cursor.value)
      }
      if (bytes <= mostBytes) return 0
      await Promise.all(orphans.map((digest) => chunks.delete(digest)))
      return bytes
    })
  }

  async #change<T>(work: (change: Change) => Promise<T>): Promise<T> {
    // Without a database there is nothing to change, and `use` says why.
    await this.#db.connect()
    return this.#db.use('changing', async (database) => {
      const change = startChange(database)
      try {
        const result = await work(change)
        await change.done
        return result
      } catch (error) {
        change.done.catch(() => undefined) // It fails as `error` does.
        change.abort()
        throw error
      }
    })
  }
}

function startChange(database: WeightsDatabase) {
  const transaction = database.transaction(['models', 'chunks'], 'readwrite')
  return {
    models: transaction.objectStore('models'),
    chunks: transaction.objectStore('chunks'),
    done: transaction.done,
    abort: () => {
      try {
        transaction.abort()
      } catch {
        return // It has ended already, which is as good.
      }
    },
  }
}

async function deleteGarbage(
  { models, chunks }: Change,
  dropped: readonly ModelRecord[],
  inFlight: ReadonlySet<string>,
): Promise<number> {
  const garbage = garbageChunks(dropped, await models.getAll(), inFlight)
  await Promise.all(garbage.map(({ digest }) => chunks.delete(digest)))
  return garbage.reduce((sum, { bytes }) => sum + bytes, 0)
}

/** Whatever another program may have put there. */
function sizeOf(chunk: unknown): number {
  if (chunk instanceof Blob) return chunk.size
  return chunk instanceof ArrayBuffer ? chunk.byteLength : 0
}
