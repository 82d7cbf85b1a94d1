/** Decides which models make room for another; pure. */
import { namedDigests, storedBytes, sumBytes, type ModelRecord } from './model-record.js'

/** What eviction knows of a model. */
export type EvictableModel = Pick<ModelRecord, 'id' | 'usedAt' | 'isPinned' | 'chunks'>

export interface EvictionNeed {
  readonly models: readonly EvictableModel[]
  /** Ids of models that are being loaded: they stay. */
  readonly inUse: ReadonlySet<string>
  /** Digests that loads in flight name: dropping a model does not free them. */
  readonly inFlight: ReadonlySet<string>
  /** The bytes that are to be stored, beside those that are. */
  readonly neededBytes: number
  /** The most bytes that may be stored in the end. */
  readonly budgetBytes: number
}

export interface EvictionPlan {
  /** Ids of the models to drop, least recently used first. */
  readonly drop: readonly string[]
  /** What that frees: chunks that models which stay, or loads in flight, need too are not freed. */
  readonly freedBytes: number
  /** Whether the needed bytes fit then. When they cannot, nothing is dropped: it would help nobody. */
  readonly isEnough: boolean
}

/** Drops unpinned models that are not in use, least recently used first, and none that need not go. */
export function planEviction(need: EvictionNeed): EvictionPlan {
  const { models, inUse, neededBytes, budgetBytes } = need
  const excess = storedBytes(models) + neededBytes - budgetBytes
  if (excess <= 0) return { drop: [], freedBytes: 0, isEnough: true }
  const candidates = models
    .filter(({ id, isPinned }) => !isPinned && !inUse.has(id))
    .sort((a, b) => a.usedAt - b.usedAt)
  let drop: readonly EvictableModel[] = []
  for (const model of candidates) {
    if (freedBytes(need, drop) >= excess) break
    drop = [...drop, model]
  }
  if (freedBytes(need, drop) < excess) return { drop: [], freedBytes: 0, isEnough: false }
  // One that was taken in vain, since what it has is shared, stays after all: the most recently used first.
  for (const model of [...drop].reverse()) {
    const without = drop.filter((other) => other !== model)
    if (freedBytes(need, without) >= excess) drop = without
  }
  return { drop: drop.map(({ id }) => id), freedBytes: freedBytes(need, drop), isEnough: true }
}

/** The chunks of `dropped` that neither `kept` nor a load in flight names: their end is no loss. */
export function garbageChunks(
  dropped: readonly Pick<ModelRecord, 'chunks'>[],
  kept: readonly Pick<ModelRecord, 'chunks'>[],
  inFlight: ReadonlySet<string>,
): readonly { readonly digest: string; readonly bytes: number }[] {
  const needed = namedDigests(kept)
  const garbage = new Map<string, number>()
  for (const { digest, bytes } of dropped.flatMap(({ chunks }) => chunks)) {
    if (!needed.has(digest) && !inFlight.has(digest)) garbage.set(digest, bytes)
  }
  return Array.from(garbage, ([digest, bytes]) => ({ digest, bytes }))
}

function freedBytes({ models, inFlight }: EvictionNeed, drop: readonly EvictableModel[]): number {
  const kept = models.filter((model) => !drop.includes(model))
  return sumBytes(garbageChunks(drop, kept, inFlight))
}
