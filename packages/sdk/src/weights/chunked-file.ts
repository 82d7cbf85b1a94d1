/** A file in memory as its chunks, each in a buffer of its own, so that nobody needs one buffer of the file's size. */
import type { ManifestFile } from '../contract/index.js'
import { EdgewardError, messageOf } from '../errors/index.js'

export class ChunkedFile {
  readonly byteLength: number
  readonly chunkBytes: number
  readonly #path: string
  /** Those that have come and were not let go. */
  readonly #chunks = new Map<number, Uint8Array<ArrayBuffer>>()

  constructor({ path, bytes }: Pick<ManifestFile, 'path' | 'bytes'>, chunkBytes: number) {
    this.#path = path
    this.byteLength = bytes
    this.chunkBytes = chunkBytes
  }

  /** How many chunks are in memory. */
  get heldChunks(): number {
    return this.#chunks.size
  }

  /** Takes over a chunk's bytes, verified, in a buffer that holds nothing else. */
  put(index: number, bytes: Uint8Array<ArrayBuffer>): void {
    this.#chunks.set(index, bytes)
  }

  /**
   * The bytes from `begin` to `end`: within one chunk a view, which ends with it, else a copy.
   *
   * @throws {EdgewardError} `INTERNAL` when one of them was let go.
   */
  subarray(begin: number, end: number): Uint8Array<ArrayBuffer> {
    const index = Math.floor(begin / this.chunkBytes)
    const offset = index * this.chunkBytes
    if (begin < end && end <= offset + this.chunkBytes) return this.#chunk(index).subarray(begin - offset, end - offset)
    const bytes = allocate(this.#path, end - begin)
    this.read(begin, bytes)
    return bytes
  }

  /** Fills `target` with the bytes from `begin` on; tells of each chunk when its part was copied. */
  read(begin: number, target: Uint8Array, onCopied?: (index: number) => void): void {
    const end = begin + target.length
    for (let index = Math.floor(begin / this.chunkBytes); index * this.chunkBytes < end; index += 1) {
      const offset = index * this.chunkBytes
      const from = Math.max(begin, offset)
      const chunk = this.#chunk(index)
      target.set(chunk.subarray(from - offset, Math.min(end - offset, chunk.length)), from - begin)
      onCopied?.(index)
    }
  }

  /** Gives a chunk's memory back at once: views of it are empty from now on. */
  letGo(index: number): void {
    const chunk = this.#chunks.get(index)
    this.#chunks.delete(index)
    // Where there is no `transfer`, the garbage collector finds it.
    ;(chunk?.buffer as TransferableBuffer | undefined)?.transfer?.(0)
  }

  /**
   * The whole file in one buffer of its own, for what is small; the chunks are let go one by one.
   *
   * @throws {EdgewardError} `OUT_OF_MEMORY`
   */
  intoOneBuffer(): Uint8Array<ArrayBuffer> {
    const only = this.byteLength <= this.chunkBytes ? this.#chunks.get(0) : undefined
    if (only) {
      this.#chunks.delete(0)
      return only
    }
    const bytes = allocate(this.#path, this.byteLength)
    this.read(0, bytes, (index) => this.letGo(index))
    return bytes
  }

  #chunk(index: number): Uint8Array<ArrayBuffer> {
    const chunk = this.#chunks.get(index)
    if (chunk) return chunk
    throw new EdgewardError('INTERNAL', `${this.#path}: chunk ${index} is read, but was let go`)
  }
}

/** A buffer of the file at `path`. @throws {EdgewardError} `OUT_OF_MEMORY` */
export function allocate(path: string, bytes: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(bytes)
  } catch (cause) {
    const message = `${path}: no buffer of ${bytes} bytes can be had: ${messageOf(cause)}`
    throw new EdgewardError('OUT_OF_MEMORY', message, { details: { file: path, bytes }, cause })
  }
}

/** Newer than the library of the compiler's target. */
type TransferableBuffer = ArrayBuffer & { transfer?(bytes: number): ArrayBuffer }
