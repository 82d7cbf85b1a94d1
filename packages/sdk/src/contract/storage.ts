/** What the cache of weights holds, and what callers may ask of it. */
import type { DownloadProgress } from './event.js'
import type { VariantDtype } from './manifest.js'

/** How much a client may keep. */
export interface StorageOptions {
  /**
   * The most bytes of weights that the cache may hold. The least recently used models that are not pinned make room for
   * another; one that does not fit even then runs from memory. When absent: what the browser gives.
   */
  readonly maxBytes?: number
}

/** A model that is in the cache to the last chunk. Times are milliseconds since 1970, as `Date.now()` gives them. */
export interface CachedModel {
  /** The folder's name, `hf:organisation/repository`, or `local:name`. */
  readonly id: string
  /** Of the manifest; on a hub, the commit; of the user's files, another each time they are added. */
  readonly revision: string
  /** The variants that are complete. */
  readonly variants: readonly VariantDtype[]
  /** Bytes of its complete variants and assets; chunks that it shares with another model count for both. */
  readonly bytes: number
  readonly addedAt: number
  readonly usedAt: number
  /** All its chunks were hashed, and right, at this time or later. */
  readonly verifiedAt: number
  /** Whether it is never evicted. */
  readonly isPinned: boolean
}

/** Whether a model is in the cache. */
export type ModelStatus = { readonly state: 'absent' } | ({ readonly state: 'cached' } & CachedModel)

/** What the source of a model has, compared to the cache. Revisions are those of {@link CachedModel}. */
export interface UpdateCheck {
  /** Absent when the model is not in the cache. */
  readonly cachedRevision?: string
  readonly availableRevision: string
  /** Whether the model is in the cache with another revision. */
  readonly isUpdate: boolean
  /** Bytes that a download of the available revision would fetch, for the variant that this device would use. */
  readonly missingBytes: number
}

/** What a removal gave back. */
export interface FreedStorage {
  /** Bytes of the chunks that were deleted; 0 when all of them are needed by others, or there were none. */
  readonly freedBytes: number
}

/** What re-reading a model's chunks found. */
export interface Verification {
  /** How many were read. */
  readonly chunks: number
  /**
   * Chunks that were wrong or lost. They were deleted, and every model that needs them is no longer in the cache (nor
   * pinned): its next load fetches these chunks only, and it is back.
   */
  readonly wrongChunks: number
}

/** What this site stores. */
export interface StorageUse {
  /** Bytes of the weights of the cached models; a chunk that several share counts once. */
  readonly usedBytes: number
  /** Bytes that the browser lets this site store in all; absent when it does not say. */
  readonly quotaBytes?: number
  /** Whether the browser promised not to evict this site's data by itself. */
  readonly persisted: boolean
  readonly models: readonly CachedModel[]
}

export interface DownloadOptions {
  /** Ends the download within moments; chunks that are verified stay. */
  readonly signal?: AbortSignal
  /** Hears of bytes every 50 ms at most, and of each new phase at once. */
  readonly onProgress?: (progress: DownloadProgress) => void
}

/**
 * A model that the user gives: one ONNX file; files by their paths; or the folder that has them. A folder is a packed one,
 * with its `manifest.json`, or in the layout of Hugging Face's hub.
 */
export type ModelFiles = Blob | Uint8Array | FileSystemDirectoryHandle | Readonly<Record<string, Blob | Uint8Array>>

/**
 * The models in the cache of weights, which all clients of this origin share. Where there is no database, it is empty.
 * Every call rejects with `DISPOSED` after the client was disposed, and with `WORKER_UNAVAILABLE` where no worker starts.
 */
export interface ModelCache {
  /** The models that are complete. */
  list(): Promise<readonly CachedModel[]>
  /** Whether a model is complete; of a name with a revision (`id@revision`), whether that one is. */
  status(model: string): Promise<ModelStatus>
  /**
   * Brings the variant that this device would use into the cache, in the newest revision, without making it ready.
   * Resolves when it is complete, or could not be kept (the event `storage` says why). When it takes the place of another
   * revision, the event `update` says so. A source that cannot be reached leaves the revision that is cached.
   *
   * @throws EdgewardError `MANIFEST_NOT_FOUND`, `MANIFEST_INVALID`, `DOWNLOAD_FAILED`, `INTEGRITY`; `NOT_CACHED` with the
   *   policy `offline`, and where it would be more than its `maxDownloadBytes`; `INVALID_OPTION` for a name that cannot be
   *   one. On abort, `signal.reason`.
   */
  download(model: string, options?: DownloadOptions): Promise<ModelStatus>
  /**
   * Takes a model's files from the user and brings them into the cache, as {@link ModelCache.download} does. When they
   * cannot be kept, this client runs them from where they are.
   *
   * @param model Its id from now on: `local:` and a name of letters, digits, `.`, `_` and `-`.
   * @throws EdgewardError `INVALID_OPTION` for another id or path, `MANIFEST_INVALID` or `MANIFEST_NOT_FOUND` for files that
   *   are no model, `INTEGRITY` for a packed folder that is not what its manifest says
   */
  add(model: string, files: ModelFiles, options?: DownloadOptions): Promise<ModelStatus>
  /**
   * Asks the model's source whether it has another revision; no weights are fetched.
   *
   * @throws EdgewardError as `download` does; `NOT_CACHED` with the policy `offline`
   */
  checkForUpdate(model: string): Promise<UpdateCheck>
  /**
   * From now on the model, in whichever revision, is never evicted.
   *
   * @throws EdgewardError `INVALID_OPTION` when it is not in the cache
   */
  pin(model: string): Promise<void>
  /** From now on the model may be evicted. @throws EdgewardError `INVALID_OPTION` when it is not in the cache */
  unpin(model: string): Promise<void>
  /** Takes a model out of the cache, with the chunks that no other model needs. Sessions that run go on. */
  remove(model: string): Promise<FreedStorage>
  /**
   * Deletes the chunks that no cached model needs: those of downloads that were never finished. While another tab loads a
   * model, which may need them, nothing is deleted.
   */
  prune(): Promise<FreedStorage>
  /**
   * Reads every chunk of a model again.
   *
   * @throws EdgewardError `INVALID_OPTION` when it is not in the cache, `DEVICE_UNSUPPORTED` outside a secure context
   */
  verify(model: string): Promise<Verification>
}
