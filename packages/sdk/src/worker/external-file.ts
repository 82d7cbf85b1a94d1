/** A file in chunks, as ONNX Runtime reads external data: chunks are let go as soon as every tensor in them was read. */
import { EdgewardError } from '../errors/index.js'
import type { ExternalTensor } from '../formats/index.js'
import type { ChunkedFile } from '../weights/index.js'
import { UnreadTensors } from './unread-tensors.js'

/**
 * ONNX Runtime's glue takes a `Uint8Array` for external data, and asks it for nothing but `byteLength` and
 * `subarray(offset, offset + length)`, once for each tensor; it copies what it gets at once, to the WASM heap or a GPU
 * buffer (dist/ort-wasm-simd-threaded*.mjs: `mountExternalData`). What `subarray` returns is therefore good until its
 * next call only.
 */
export class ExternalFile extends Uint8Array<ArrayBuffer> {
  readonly #file: ChunkedFile
  readonly #unread: UnreadTensors | undefined
  readonly #gone = new Set<number>()
  /** The chunk that the last tensor is a view of, when nobody else needs it. */
  #viewed: number | undefined
  /** For tensors that lie in several chunks. */
  #scratch: Uint8Array<ArrayBuffer> | undefined
  #isReadAgain = false

  /** @param tensors Those that the graph has in this file; without them, no chunk is let go. */
  constructor(file: ChunkedFile, tensors?: readonly ExternalTensor[]) {
    super(new ArrayBuffer(0))
    this.#file = file
    this.#unread = tensors && new UnreadTensors(file, tensors)
    for (const index of this.#unread?.readChunks ?? []) this.#letGo(index)
    // Accessors of the platform's class, which only a property of the object itself hides.
    Object.defineProperties(this, { byteLength: { value: file.byteLength }, length: { value: file.byteLength } })
  }

  /** Whether a tensor was asked for again that had been let go. */
  get isReadAgain(): boolean {
    return this.#isReadAgain
  }

  /** @throws {EdgewardError} `INTERNAL` when the bytes were let go; the glue fails the session then. */
  override subarray(begin = 0, end = this.byteLength): Uint8Array<ArrayBuffer> {
    if (this.#viewed !== undefined) this.#letGo(this.#viewed)
    this.#viewed = undefined
    const { chunkBytes } = this.#file
    const first = Math.floor(begin / chunkBytes)
    for (let index = first; index * chunkBytes < end; index += 1) this.#isReadAgain ||= this.#gone.has(index)
    if (this.#isReadAgain) throw new EdgewardError('INTERNAL', `the bytes from ${begin} to ${end} were let go`)
    const readChunks = this.#unread?.read(begin, end) ?? []
    if (end <= (first + 1) * chunkBytes) {
      this.#viewed = readChunks[0]
      return this.#file.subarray(begin, end)
    }
    const bytes = this.#scratchOf(end - begin)
    this.#file.read(begin, bytes, (index) => readChunks.includes(index) && this.#letGo(index))
    return bytes
  }

  #letGo(index: number): void {
    this.#gone.add(index)
    this.#file.letGo(index)
  }

  /** The same memory again and again: the system gives a new buffer's pages one by one, and the collector takes its time. */
  #scratchOf(bytes: number): Uint8Array<ArrayBuffer> {
    if (!this.#scratch || this.#scratch.length < bytes) this.#scratch = new Uint8Array(bytes)
    return new Uint8Array(this.#scratch.buffer, 0, bytes)
  }
}
