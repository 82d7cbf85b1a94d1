/** What a client offers about the cache of weights; the worker does it. */
import type { ModelCache, ModelSource, VariantDtype } from '../contract/index.js'
import type { WorkerHost } from '../runtime/index.js'

/** The worker's part in it. */
export interface CacheParts {
  readonly cache: WorkerHost['cache']
  /** Brings a variant into the cache. */
  readonly download: (source: ModelSource, variant: VariantDtype, signal: AbortSignal) => Promise<void>
}

export function createModelCache(cache: CacheParts['cache'], download: ModelCache['download']): ModelCache {
  return {
    download,
    list: () => cache('list'),
    status: (model) => cache('status', model),
    pin: (model) => cache('pin', model),
    unpin: (model) => cache('unpin', model),
    remove: (model) => cache('remove', model),
    prune: () => cache('prune'),
    verify: (model) => cache('verify', model),
  }
}
