/** The memory of a running ONNX Runtime: how large it is, and what a C++ exception in it is of. */

/** Mangled names are short; what is longer is none. */
const maxNameBytes = 200

export class RuntimeMemory {
  #memory: WebAssembly.Memory | undefined

  /** Looks for the memory in what the instance imports (with threads, the glue makes it) or exports. */
  lookIn(imports: WebAssembly.Imports, exports: WebAssembly.Exports): void {
    const modules = [exports, ...Object.values(imports)] as readonly Readonly<Record<string, unknown>>[]
    this.#memory = modules
      .flatMap((module) => Object.values(module))
      .find((value): value is WebAssembly.Memory => value instanceof WebAssembly.Memory)
  }

  /** It only grows. 0 before the runtime has started. */
  get bytes(): number {
    return this.#memory?.buffer.byteLength ?? 0
  }

  /** What is in it: another object after each growth. Undefined before the runtime has started. */
  get buffer(): ArrayBufferLike | undefined {
    return this.#memory?.buffer
  }

  /**
   * The C++ type of an exception whose address was thrown, by its mangled name, such as `St9bad_alloc`; undefined where that
   * cannot be read. Emscripten's header of 24 bytes before the object has a pointer to the `std::type_info` in its second word,
   * which has one to its name in its own second (system/lib/libcxxabi/src/cxa_exception.h of Emscripten).
   */
  typeOfException(address: number): string | undefined {
    if (!this.#memory || address % 4 !== 0) return undefined
    const words = new Uint32Array(this.#memory.buffer)
    const wordAt = (at: number | undefined) => (at === undefined || at <= 0 ? undefined : words[at / 4])
    const typeInfo = wordAt(address - 24 + 4)
    const name = wordAt(typeInfo === undefined || typeInfo === 0 ? undefined : typeInfo + 4)
    return name === undefined || name === 0 ? undefined : this.#textAt(this.#memory, name)
  }

  #textAt({ buffer }: WebAssembly.Memory, address: number): string | undefined {
    // A copy, since TextDecoder refuses shared memory.
    const bytes = Uint8Array.from(new Uint8Array(buffer).subarray(address, address + maxNameBytes))
    const end = bytes.indexOf(0)
    const text = String.fromCharCode(...bytes.subarray(0, Math.max(0, end)))
    return /^[\w$.]+$/.test(text) ? text : undefined
  }
}
