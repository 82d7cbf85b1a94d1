/**
 * Runs a session on values that stay in the WASM heap, by the exports that onnxruntime-web itself uses
 * (`lib/wasm/wasm-core-impl.ts`). They are no public contract: nothing else knows them, and they are used of one version alone.
 */
import type { InferenceSession } from 'onnxruntime-web'
import { EdgewardError } from '../errors/index.js'
import type { CopiedReason } from './kv-cache.js'
import type { Runtime } from './runtime-build.js'
import { runtimeVersion } from './runtime-digests.js'

/** TensorProto.DataType, of what is needed here. */
const typeCodes = Object.freeze({ float32: 1, int64: 7, float16: 10 })
const typeNames: ReadonlyMap<number, HeapDtype> = new Map(
  Object.entries(typeCodes).map(([name, code]) => [code, name as HeapDtype]),
)
const onCpu = 1
const pointerBytes = 4

export type HeapDtype = keyof typeof typeCodes

/** An OrtValue, and the memory that was allocated for it; where there is none, ONNX Runtime owns its data. */
export interface HeapValue {
  readonly handle: number
  readonly memory?: number
}

/** Where a value's data are. They are there until it is released; the heap's buffer is another after each growth. */
export interface HeapData {
  readonly dtype: HeapDtype
  readonly shape: readonly number[]
  readonly address: number
}

export interface CannotUseHeap {
  readonly reason: CopiedReason
  readonly detail: string
}

const functions = [
  '_malloc',
  '_free',
  'stackSave',
  'stackAlloc',
  'stackRestore',
  '_OrtCreateTensor',
  '_OrtReleaseTensor',
  '_OrtGetTensorData',
  '_OrtRun',
  '_OrtFree',
  '_OrtGetLastError',
] as const

type EmscriptenModule = Readonly<Record<(typeof functions)[number], (...args: number[]) => unknown>>

export class OrtHeap {
  readonly #module: EmscriptenModule
  readonly #memory: Runtime['memory']
  readonly #session: number
  readonly #names = new Map<string, number>()

  private constructor(module: EmscriptenModule, memory: Runtime['memory'], session: number) {
    this.#module = module
    this.#memory = memory
    this.#session = session
  }

  /** The heap that a session runs on, or why it cannot be used. */
  static of(session: InferenceSession, { emscripten, memory, ort }: Runtime): OrtHeap | CannotUseHeap {
    const found = ort.env.versions.web
    if (!isObject(emscripten)) return { reason: 'build', detail: 'The runtime is not of the plain WASM build.' }
    if (found !== runtimeVersion)
      return { reason: 'version', detail: `It is ${found}, and ${runtimeVersion} is known.` }
    const missing = functions.filter((name) => typeof emscripten[name] !== 'function')
    const { handler } = session as unknown as { readonly handler?: { readonly sessionId?: unknown } } // Private to it.
    const handle = handler?.sessionId
    if (emscripten['PTR_SIZE'] !== pointerBytes) missing.push('PTR_SIZE' as '_malloc')
    if (typeof handle !== 'number' || memory.buffer === undefined) missing.push('session' as '_malloc')
    if (missing.length > 0 || typeof handle !== 'number') return { reason: 'exports', detail: missing.join(', ') }
    return new OrtHeap(emscripten as EmscriptenModule, memory, handle)
  }

  /** A value in memory of its own, which is not cleared. */
  create(dtype: HeapDtype, shape: readonly number[], bytes: number): HeapValue {
    const memory = this.#allocate(Math.max(bytes, 1))
    try {
      return { handle: this.#tensor(dtype, shape, memory, bytes), memory }
    } catch (error) {
      this.#module._free(memory)
      throw error
    }
  }

  /** A value with a copy of `data`. */
  from(dtype: HeapDtype, shape: readonly number[], data: ArrayBufferView): HeapValue {
    const value = this.create(dtype, shape, data.byteLength)
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    if (value.memory !== undefined) this.bytes(value.memory, bytes.length).set(bytes)
    return value
  }

  release({ handle, memory }: HeapValue): void {
    this.#module._OrtReleaseTensor(handle)
    if (memory !== undefined) this.#module._free(memory)
  }

  /**
   * Runs the session. The outputs are new values that the caller owns, but where `into` has one at its place, which is
   * written.
   */
  run(
    inputs: ReadonlyMap<string, HeapValue>,
    outputs: readonly string[],
    into: readonly (HeapValue | undefined)[],
  ): HeapValue[] {
    return this.#onStack((write) => {
      const names = write([...inputs.keys()].map((name) => this.#name(name)))
      const values = write([...inputs.values()].map(({ handle }) => handle))
      const outputNames = write(outputs.map((name) => this.#name(name)))
      const results = write(outputs.map((_, index) => into[index]?.handle ?? 0))
      const { _OrtRun } = this.#module
      const code = _OrtRun(this.#session, names, values, inputs.size, outputNames, outputs.length, results, 0)
      if (code !== 0) throw this.#lastError()
      return [...this.#words(results, outputs.length)].map((handle, index) => into[index] ?? { handle })
    })
  }

  data({ handle }: HeapValue): HeapData {
    return this.#onStack((write) => {
      const told = write([0, 0, 0, 0])
      const word = (index: number) => told + index * pointerBytes
      if (this.#module._OrtGetTensorData(handle, word(0), word(1), word(2), word(3)) !== 0) throw this.#lastError()
      const [type = 0, address = 0, dimensions = 0, rank = 0] = this.#words(told, 4)
      const shape = [...this.#words(dimensions, rank)]
      this.#module._OrtFree(dimensions)
      const dtype = typeNames.get(type)
      if (dtype === undefined) throw new EdgewardError('OUTPUT_INVALID', `ONNX Runtime gave a tensor of type ${type}.`)
      return { dtype, shape, address }
    })
  }

  /** A view that holds until the heap grows: not over a call. */
  bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.#buffer, address, length)
  }

  /** Frees what runs share; values have owners of their own. */
  dispose(): void {
    for (const name of this.#names.values()) this.#module._free(name)
    this.#names.clear()
  }

  #tensor(dtype: HeapDtype, shape: readonly number[], memory: number, bytes: number): number {
    return this.#onStack((write) => {
      const { _OrtCreateTensor } = this.#module
      const handle = Number(_OrtCreateTensor(typeCodes[dtype], memory, bytes, write(shape), shape.length, onCpu)) >>> 0
      if (handle === 0) throw this.#lastError()
      return handle
    })
  }

  /** The address of a text that ends with zero; made once. */
  #name(name: string): number {
    const known = this.#names.get(name)
    if (known !== undefined) return known
    const text = new TextEncoder().encode(`${name}\0`)
    const address = this.#allocate(text.length)
    this.bytes(address, text.length).set(text)
    this.#names.set(name, address)
    return address
  }

  #allocate(bytes: number): number {
    // Addresses above 2 GiB come as negative numbers.
    const address = Number(this.#module._malloc(bytes)) >>> 0
    if (address !== 0) return address
    const message = `The WASM heap has no room for ${bytes} bytes of a KV cache.`
    throw new EdgewardError('OUT_OF_MEMORY', message, { details: { bytes } })
  }

  /** Gives what is written to the stack back, whatever happens. */
  #onStack<T>(work: (write: (words: readonly number[]) => number) => T): T {
    const { stackSave, stackAlloc, stackRestore } = this.#module
    const top = Number(stackSave())
    try {
      return work((words) => {
        const address = Number(stackAlloc(Math.max(1, words.length) * pointerBytes)) >>> 0
        this.#words(address, words.length).set(words)
        return address
      })
    } finally {
      stackRestore(top)
    }
  }

  #words(address: number, length: number): Uint32Array {
    return new Uint32Array(this.#buffer, address, length)
  }

  /** Asked for each time: memory that grows is another buffer. */
  get #buffer(): ArrayBufferLike {
    return this.#memory.buffer ?? new ArrayBuffer(0) // It was there when the session was made.
  }

  #lastError(): Error {
    return this.#onStack((write) => {
      const told = write([0, 0])
      this.#module._OrtGetLastError(told, told + pointerBytes)
      const [code = 0, address = 0] = this.#words(told, 2)
      // A copy, since TextDecoder refuses shared memory.
      const text =
        address === 0 ? new Uint8Array() : Uint8Array.from(this.bytes(address, maxMessageBytes(address, this.#buffer)))
      const end = text.indexOf(0)
      return new Error(`ERROR_CODE: ${code}, ${new TextDecoder().decode(end === -1 ? text : text.subarray(0, end))}`)
    })
  }
}

function maxMessageBytes(address: number, { byteLength }: ArrayBufferLike): number {
  return Math.min(2_000, byteLength - address)
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
