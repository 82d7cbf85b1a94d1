/** Says where the tensors of a GGUF lie, and believes nothing that the file says of them. */
import type { EdgewardError } from '../errors/index.js'
import { damaged, unsupported } from './gguf-errors.js'
import type { StatedTensor } from './gguf-header.js'
import { ggmlBlocks, type GgmlType, type GgufTensor } from './gguf-types.js'

/**
 * @param stated As the file has them, with offsets from `dataOffset`.
 * @param bytes How long the file is.
 * @throws {EdgewardError} `MODEL_UNSUPPORTED` for a block type that cannot be decoded; `MANIFEST_INVALID` for a tensor that is
 * named twice, has no rows of whole blocks, or does not lie in the file by itself.
 */
export function locateTensors(
  stated: readonly StatedTensor[],
  dataOffset: number,
  alignment: number,
  bytes: number,
): ReadonlyMap<string, GgufTensor> {
  const tensors = new Map<string, GgufTensor>()
  for (const one of stated) {
    const tensor = locate(one, dataOffset)
    if (tensors.has(tensor.name)) throw damagedTensor(tensor.name, 'is there twice')
    if ((tensor.offset - dataOffset) % alignment !== 0)
      throw damagedTensor(tensor.name, `is not aligned to ${alignment} bytes`)
    if (tensor.offset + tensor.bytes > bytes) {
      throw damagedTensor(tensor.name, `ends at ${tensor.offset + tensor.bytes}, behind the file's ${bytes} bytes`)
    }
    tensors.set(tensor.name, tensor)
  }
  refuseOverlaps(tensors)
  return tensors
}

function locate({ name, shape, type: number, offset }: StatedTensor, dataOffset: number): GgufTensor {
  const type = typeNames.get(number) ?? `number ${number}`
  if (!isGgmlType(type)) {
    const runnable = Object.keys(ggmlBlocks)
    throw unsupported(`its tensor ${name} has blocks of type ${type}; of types ${runnable.join(', ')} it could`, {
      tensor: name,
      type,
      runnable,
    })
  }
  const block = ggmlBlocks[type]
  const [columns = 0] = shape
  const bytes = (shape.reduce((product, length) => product * length, 1) / block.elements) * block.bytes
  if (shape.length === 0 || bytes === 0 || columns % block.elements !== 0 || !isExact(bytes)) {
    throw damagedTensor(name, `of type ${type} cannot have the shape [${shape.join(', ')}]`)
  }
  return { name, type, shape, offset: dataOffset + offset, bytes }
}

function refuseOverlaps(tensors: ReadonlyMap<string, GgufTensor>): void {
  let before: GgufTensor | undefined
  for (const tensor of [...tensors.values()].sort((a, b) => a.offset - b.offset)) {
    if (before && before.offset + before.bytes > tensor.offset)
      throw damagedTensor(tensor.name, `overlaps ${before.name}`)
    before = tensor
  }
}

function isGgmlType(type: string): type is GgmlType {
  return Object.hasOwn(ggmlBlocks, type)
}

/** Above that, sums of offsets are rounded, and no file is as long. */
function isExact(bytes: number): boolean {
  return bytes < 2 ** 50
}

function damagedTensor(tensor: string, problem: string): EdgewardError {
  return damaged(`its tensor ${tensor} ${problem}`, { tensor })
}

/** `ggml_type` of ggml.h. */
const typeNames: ReadonlyMap<number, string> = new Map([
  ...entries(0, ['F32', 'F16', 'Q4_0', 'Q4_1']),
  ...entries(6, ['Q5_0', 'Q5_1', 'Q8_0', 'Q8_1', 'Q2_K', 'Q3_K', 'Q4_K', 'Q5_K', 'Q6_K', 'Q8_K']),
  ...entries(16, ['IQ2_XXS', 'IQ2_XS', 'IQ3_XXS', 'IQ1_S', 'IQ4_NL', 'IQ3_S', 'IQ2_S', 'IQ4_XS']),
  ...entries(24, ['I8', 'I16', 'I32', 'I64', 'F64', 'IQ1_M', 'BF16']),
  ...entries(34, ['TQ1_0', 'TQ2_0']),
  ...entries(39, ['MXFP4', 'NVFP4']),
])

function entries(first: number, names: readonly string[]): readonly (readonly [number, string])[] {
  return names.map((name, index) => [first + index, name])
}
