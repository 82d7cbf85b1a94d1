/** Writes small GGUFs for tests, true ones and ones that lie. */

/** A value of metadata; numbers are uint32, and float32 where they are no integers. */
export type GgufValue = string | number | bigint | boolean | readonly string[] | readonly number[]

export interface GgufTestTensor {
  readonly name: string
  readonly shape: readonly number[]
  /** ggml's number of the block type; F32: 0. */
  readonly type: number
  readonly data: Uint8Array
  /** From the beginning of the data, where it is not behind the tensor before. */
  readonly offset?: bigint
}

const alignment = 32
const types = { uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9, uint64: 10 } as const

/** As https://github.com/ggml-org/ggml/blob/master/docs/gguf.md has it, version 3. */
export function writeGguf(
  metadata: Readonly<Record<string, GgufValue>>,
  tensors: readonly GgufTestTensor[],
): Uint8Array<ArrayBuffer> {
  const entries = Object.entries(metadata)
  const head = [Buffer.from('GGUF'), uint32(3), uint64(tensors.length), uint64(entries.length)]
  for (const [key, value] of entries) head.push(text(key), typedValue(value))
  let offset = 0
  for (const tensor of tensors) {
    head.push(text(tensor.name), uint32(tensor.shape.length), ...tensor.shape.map(uint64), uint32(tensor.type))
    head.push(uint64(tensor.offset ?? offset))
    offset = align(offset + tensor.data.length)
  }
  return Uint8Array.from(Buffer.concat([padded(Buffer.concat(head)), ...tensors.map(({ data }) => padded(data))]))
}

function typedValue(value: GgufValue): Buffer {
  if (typeof value === 'string') return Buffer.concat([uint32(types.string), text(value)])
  if (typeof value === 'boolean') return Buffer.concat([uint32(types.bool), Buffer.of(value ? 1 : 0)])
  if (typeof value === 'bigint') return Buffer.concat([uint32(types.uint64), uint64(value)])
  if (typeof value === 'number') {
    return Number.isInteger(value)
      ? Buffer.concat([uint32(types.uint32), uint32(value)])
      : Buffer.concat([uint32(types.float32), float32(value)])
  }
  const isTexts = typeof value[0] === 'string'
  const isFloats = !isTexts && value.some((item) => !Number.isInteger(item))
  const items = value.map((item) => (typeof item === 'string' ? text(item) : isFloats ? float32(item) : int32(item)))
  const type = isTexts ? types.string : isFloats ? types.float32 : types.int32
  return Buffer.concat([uint32(types.array), uint32(type), uint64(items.length), ...items])
}

function padded(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes], align(bytes.length))
}

function align(length: number): number {
  return Math.ceil(length / alignment) * alignment
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([uint64(bytes.length), bytes])
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return bytes
}

function float32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeFloatLE(value)
  return bytes
}

function uint64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}
