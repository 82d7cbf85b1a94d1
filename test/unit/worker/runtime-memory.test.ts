/** The runtime's memory is found and read, wherever the glue has it. */
import { describe, expect, it } from 'vitest'
import { RuntimeMemory } from '../../../packages/sdk/src/worker/runtime-memory.js'

const page = 65_536

/** A memory with an exception at 1024: its header names a type whose name is "St9bad_alloc". */
function memoryWithException(): WebAssembly.Memory {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 2 })
  const words = new Uint32Array(memory.buffer)
  words[(1024 - 24 + 4) / 4] = 2048
  words[(2048 + 4) / 4] = 3000
  new Uint8Array(memory.buffer).set(new TextEncoder().encode('St9bad_alloc\0'), 3000)
  return memory
}

describe("the runtime's memory", () => {
  it.each([
    ['imported', [{ a: { a: new WebAssembly.Memory({ initial: 2 }) } }, {}]],
    ['exported', [{ a: {} }, { memory: new WebAssembly.Memory({ initial: 2 }) }]],
  ] as const)('is counted when it is %s', (_how, [imports, exports]) => {
    const memory = new RuntimeMemory()
    expect(memory.bytes).toBe(0)
    memory.lookIn(imports, exports)
    expect(memory.bytes).toBe(2 * page)
  })

  it('is counted as it has grown', () => {
    const grows = new WebAssembly.Memory({ initial: 1, maximum: 3 })
    const memory = new RuntimeMemory()
    memory.lookIn({ a: { a: grows } }, {})
    grows.grow(2)
    expect(memory.bytes).toBe(3 * page)
  })

  it('tells the type of a C++ exception by its address', () => {
    const memory = new RuntimeMemory()
    memory.lookIn({}, { memory: memoryWithException() })
    expect(memory.typeOfException(1024)).toBe('St9bad_alloc')
  })

  it.each([1_991_937_888, 0, 8, 1025, -4, 1.5, NaN])(
    'says nothing of the address %s, where there is none',
    (address) => {
      const memory = new RuntimeMemory()
      expect(memory.typeOfException(address)).toBeUndefined()
      memory.lookIn({}, { memory: memoryWithException() })
      expect(memory.typeOfException(address)).toBeUndefined()
    },
  )
})
