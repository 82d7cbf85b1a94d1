/** The placements that one worker has ready, and who works with them; the least recently used make room for others. */
import type { Backend } from '../contract/index.js'
import type { PreparePayload } from '../transport/index.js'

/** What it takes to make a placement ready. */
export type Place = Omit<PreparePayload, 'priority'>

export interface ReadyPlacement {
  readonly key: string
  readonly place: Place
  /** An estimate of the memory that it takes. */
  readonly bytes: number
}

interface Entry {
  readonly place: Place
  /** An estimate of the memory that it takes. */
  readonly bytes: number
  /** Whether it has sessions; otherwise it is on its way, or was, for those who hold it. */
  isReady: boolean
  holders: number
}

export class ReadyPlacements {
  readonly #unload: (place: Place) => Promise<unknown>
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>()
  readonly #unloading = new Set<Promise<unknown>>()

  /** @param unload - frees the sessions of a placement */
  constructor(unload: (place: Place) => Promise<unknown>) {
    this.#unload = unload
  }

  /** Those that have sessions, least recently used first. */
  get ready(): readonly ReadyPlacement[] {
    return [...this.#entries].flatMap(([key, { place, bytes, isReady }]) => (isReady ? [{ key, place, bytes }] : []))
  }

  isReady(key: string): boolean {
    return this.#entries.get(key)?.isReady ?? false
  }

  /** Has a placement that is ready, or is being made so, stay until the caller calls what this returns. */
  hold(key: string, place: Place, bytes: number): () => void {
    const entry = this.#entries.get(key) ?? { place, bytes, isReady: false, holders: 0 }
    entry.holders += 1
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return () => {
      entry.holders -= 1
      if (entry.holders === 0 && !entry.isReady && this.#entries.get(key) === entry) this.#entries.delete(key)
    }
  }

  /** From now on the placement is ready, whether somebody still waits for it or not. */
  add(key: string, place: Place, bytes: number): void {
    const letGo = this.hold(key, place, bytes)
    const entry = this.#entries.get(key)
    if (entry) entry.isReady = true
    letGo()
  }

  /** After the loss of what a backend works with, which took the sessions of all models with it. */
  forgetAll(backend: Backend): void {
    for (const [key, { place }] of this.#entries) if (place.backend === backend) this.forget(key)
  }

  /** The sessions of this placement are gone. */
  forget(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    entry.isReady = false
    if (entry.holders === 0) this.#entries.delete(key)
  }

  /**
   * Unloads the least recently used placements until all take at most `maxBytes`; resolves when they are gone. Those that
   * somebody holds stay: when they are let go, this is called again.
   */
  async makeRoom(maxBytes: number): Promise<void> {
    if (maxBytes === Infinity && this.#unloading.size === 0) return
    while (this.#bytes() > maxBytes && this.#unloadOldest());
    await Promise.all(this.#unloading)
  }

  /** Unloads the least recently used placement; resolves with whether there was one that nobody holds. */
  async unloadOldest(): Promise<boolean> {
    const isFound = this.#unloadOldest()
    await Promise.all(this.#unloading)
    return isFound
  }

  #bytes(): number {
    return [...this.#entries.values()].reduce((sum, { bytes }) => sum + bytes, 0)
  }

  #unloadOldest(): boolean {
    const oldest = [...this.#entries].find(([, { holders }]) => holders === 0)
    if (oldest === undefined) return false
    const [key, { place }] = oldest
    this.#entries.delete(key)
    // A session that cannot be released is no reason to fail another model; a dead worker is told of by its next call.
    const unloading = this.#unload(place).catch(() => undefined)
    this.#unloading.add(unloading)
    void unloading.then(() => this.#unloading.delete(unloading))
    return true
  }
}
