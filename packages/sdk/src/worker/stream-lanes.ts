/** Knows in which lane each stream's steps stand: the decode loop tells streams apart by their signals alone. */
import type { Lane, Manifest } from '../contract/index.js'
import { modelKey } from '../transport/index.js'
import type { Turn } from './lane-queue.js'

export class StreamLanes {
  readonly #model: string
  readonly #lanes = new WeakMap<AbortSignal, Lane>()

  constructor(manifest: Manifest) {
    this.#model = modelKey(manifest)
  }

  set(signal: AbortSignal, lane: Lane): void {
    this.#lanes.set(signal, lane)
  }

  /** What stops with `signal` is of the stream that has the signal `of`. */
  follow(signal: AbortSignal, of: AbortSignal): void {
    this.set(signal, this.turnOf(of).lane)
  }

  turnOf(signal: AbortSignal): Turn {
    return { lane: this.#lanes.get(signal) ?? 'default', model: this.#model, signal }
  }
}
