/** Remembers what became of each model's weights in the cache, when that is worth telling. */
export class StorageReasons {
  readonly #notKept = new Map<string, string>()
  readonly #madeRoom = new Map<string, string>()

  /** What could not be kept, or had to go, is of `model`; `loading` is the model whose load it was. */
  add(model: string, reason: string, loading: string): void {
    this.#notKept.set(model, reason)
    if (loading !== model) this.#madeRoom.set(loading, `${model} had to make room for it`)
  }

  /** The model is in the cache now. */
  kept(model: string): void {
    this.#notKept.delete(model)
  }

  of(model: string): string | undefined {
    return this.#notKept.get(model) ?? this.#madeRoom.get(model)
  }
}
