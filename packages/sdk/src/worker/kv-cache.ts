/** What an {@link OrtLanguageModel} asks of a KV cache, wherever it is kept. */
import type { BorrowedSession } from './ort-session.js'

/**
 * Where caches are kept: `shared`, in the runtime's heap, written in place; `heap`, there too, each step a new one; `gpu`, in
 * buffers that are never read back; `copied`, through JavaScript on each step, with why there was nothing better.
 */
export type KvWay =
  | { readonly way: 'shared' | 'heap' | 'gpu' }
  | { readonly way: 'copied'; readonly reason: CopiedReason; readonly detail?: string }

/** `build`: not the plain WASM build; `version`, `exports`: another runtime; `self-check`: other logits, or a failed run. */
export type CopiedReason = 'backend' | 'build' | 'version' | 'exports' | 'self-check'

export interface KvStep {
  /** The rows that were asked for. */
  readonly logits: Float32Array
  /** What was in the cache, and the new tokens. */
  readonly cache: KvCache
}

/** Keys and values of the first tokens of a sequence. All of it is used within a turn of the session. */
export interface KvCache {
  /** In tokens. */
  readonly length: number
  readonly bytes: number
  /** Runs the model over `ids`, which follow; this cache stays as it is. */
  run(borrowed: BorrowedSession, ids: readonly number[], keep: number): Promise<KvStep>
  /** A copy of the first tokens. */
  first(borrowed: BorrowedSession, length: number): KvCache
  release(): void
}

/** Makes caches of one way. */
export interface KvCaches {
  empty(): KvCache
  /** Frees what all of them share. */
  release(): void
}
