/** Knows which chunks of a file still hold tensors that nobody has read; what lies between tensors needs no reading. */
import type { ExternalTensor } from '../formats/index.js'

export class UnreadTensors {
  readonly #chunkBytes: number
  /** How many tensors are still to be read from each chunk. */
  readonly #counts: number[]
  /** How often each range is still to be read: tensors may share one. */
  readonly #ranges = new Map<string, number>()

  constructor(file: { readonly byteLength: number; readonly chunkBytes: number }, tensors: readonly ExternalTensor[]) {
    const { byteLength, chunkBytes } = file
    this.#chunkBytes = chunkBytes
    this.#counts = new Array<number>(Math.ceil(byteLength / chunkBytes)).fill(0)
    for (const { offset, bytes = byteLength - offset } of tensors) {
      const key = rangeKey(offset, offset + bytes)
      this.#ranges.set(key, (this.#ranges.get(key) ?? 0) + 1)
      for (const index of this.#chunksOf(offset, offset + bytes)) this.#count(index, 1)
    }
  }

  /** The chunks that hold no tensor that is still to be read. */
  get readChunks(): readonly number[] {
    return this.#counts.flatMap((count, index) => (count === 0 ? [index] : []))
  }

  /** Counts a tensor as read; returns those of its chunks that no other one needs. */
  read(begin: number, end: number): readonly number[] {
    const key = rangeKey(begin, end)
    const left = this.#ranges.get(key) ?? 0
    // Nobody knows what else will be asked for of a range that no tensor has, or once too often.
    if (left === 0) return []
    this.#ranges.set(key, left - 1)
    return this.#chunksOf(begin, end).filter((index) => this.#count(index, -1) === 0)
  }

  #chunksOf(begin: number, end: number): readonly number[] {
    const first = Math.floor(begin / this.#chunkBytes)
    const length = Math.max(0, Math.ceil(end / this.#chunkBytes) - first)
    return Array.from({ length }, (_, index) => first + index)
  }

  #count(index: number, change: number): number {
    return (this.#counts[index] = (this.#counts[index] ?? 0) + change)
  }
}

function rangeKey(begin: number, end: number): string {
  return `${begin}-${end}`
}
