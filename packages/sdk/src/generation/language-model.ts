/** What the decode loop runs on: a language model with a KV cache for each sequence, wherever its graph is executed. */
import type { LanguageModelConfig } from '../contract/index.js'

/** One text in the making, and its KV cache. */
export interface Sequence {
  /** How many tokens are in the cache. */
  readonly length: number
  /**
   * Runs the model over `ids`, which follow what is in the cache, and adds them to it.
   *
   * @param ids - at least one; together with `length` no more than the model's context
   * @param keep - of how many of the last ids the logits are wanted; 1 to `ids.length`
   * @returns `keep` rows of `vocabularySize` logits; they hold until the next call
   * @throws EdgewardError; on abort, `signal.reason`, with the cache as it was
   */
  append(ids: readonly number[], keep: number, signal: AbortSignal): Promise<Float32Array>
  /** Forgets what is behind the first `length` tokens. */
  truncate(length: number): void
  /** Frees the cache. */
  dispose(): void
}

export interface LanguageModel {
  readonly config: LanguageModelConfig
  /** An empty one; it owns its cache until it is disposed. */
  createSequence(): Sequence
}
