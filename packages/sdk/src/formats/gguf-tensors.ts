/** Says where the tensors of a GGUF lie, and believes nothing that the file says of them. */
import { GGMLQuantizationType, type GGUFTensorInfo } from '@huggingface/gguf'
import { EdgewardError } from '../errors/index.js'
import { ggmlBlocks, type GgmlType, type GgufTensor } from './gguf-types.js'

/**
 * @param infos As the file states them, with offsets from `dataOffset`.
 * @param bytes How long the file is.
 * @throws {EdgewardError} `MODEL_UNSUPPORTED` for a block type that cannot be decoded; `MANIFEST_INVALID` for a tensor that is
 * named twice, has no rows of whole blocks, or does not lie in the file by itself.
 */
export function locateTensors(
  infos: readonly GGUFTensorInfo[],
  dataOffset: number,
  alignment: number,
  bytes: number,
): ReadonlyMap<string, GgufTensor> {
  const tensors = new Map<string, GgufTensor>()
  for (const info of infos) {
    const tensor = locate(info, dataOffset)
    if (tensors.has(tensor.name)) throw damaged(tensor.name, 'is there twice')
    if ((tensor.offset - dataOffset) % alignment !== 0)
      throw damaged(tensor.name, `is not aligned to ${alignment} bytes`)
    if (tensor.offset + tensor.bytes > bytes) {
      throw damaged(tensor.name, `ends at ${tensor.offset + tensor.bytes}, behind the file's ${bytes} bytes`)
    }
    tensors.set(tensor.name, tensor)
  }
  refuseOverlaps(tensors)
  return tensors
}

function locate({ name, shape: lengths, dtype, offset }: GGUFTensorInfo, dataOffset: number): GgufTensor {
  const type = GGMLQuantizationType[dtype] ?? `number ${dtype}`
  if (!isGgmlType(type)) {
    const runnable = Object.keys(ggmlBlocks)
    throw new EdgewardError(
      'MODEL_UNSUPPORTED',
      `This GGUF cannot be run: its tensor ${name} has blocks of type ${type}; of types ${runnable.join(', ')} it could`,
      { details: { tensor: name, type, runnable } },
    )
  }
  const shape = lengths.map(Number)
  const block = ggmlBlocks[type]
  const [columns = 0] = shape
  const bytes = (shape.reduce((product, length) => product * length, 1) / block.elements) * block.bytes
  if (shape.length === 0 || shape.length > 4 || bytes === 0 || columns % block.elements !== 0 || !isExact(bytes)) {
    throw damaged(name, `of type ${type} cannot have the shape [${shape.join(', ')}]`)
  }
  return { name, type, shape, offset: dataOffset + Number(offset), bytes }
}

function refuseOverlaps(tensors: ReadonlyMap<string, GgufTensor>): void {
  let before: GgufTensor | undefined
  for (const tensor of [...tensors.values()].sort((a, b) => a.offset - b.offset)) {
    if (before && before.offset + before.bytes > tensor.offset) throw damaged(tensor.name, `overlaps ${before.name}`)
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

function damaged(name: string, problem: string): EdgewardError {
  return new EdgewardError('MANIFEST_INVALID', `This GGUF is damaged: its tensor ${name} ${problem}`, {
    details: { tensor: name },
  })
}
