/** Writes ONNX graphs whose weights lie in a file of their own: nodes and shapes here, places for the weights there. */
import type { TensorDtype, TensorSpec } from '../contract/index.js'
import { concatBytes, float16Bits } from '../shared/index.js'
import * as onnx from './onnx-fields.js'
import { encodeBytes, encodeFloat, encodeVarint } from './protobuf.js'

/** Element types that are written here, by their numbers in `TensorProto.DataType`. */
const dataTypes = Object.freeze({ float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, float16: 10 })

export type WrittenDtype = keyof typeof dataTypes & TensorDtype

/** Bytes of one element. */
export const dtypeBytes: Readonly<Record<WrittenDtype, number>> = Object.freeze({
  float32: 4,
  uint8: 1,
  int8: 1,
  int32: 4,
  int64: 8,
  float16: 2,
})

/** A whole number becomes INT, a list INTS, `{ float }` FLOAT. */
export type Attribute = number | readonly number[] | { readonly float: number }

/** Where a weight lies in the file beside the graph. */
export interface WeightPlace {
  readonly offset: number
  readonly bytes: number
}

/** Weights begin at multiples of this, so that runtimes can map them. */
const alignment = 4096

/** Of the graphs written here: the first with operator set 23 is 11, https://github.com/onnx/onnx/blob/main/docs/Versioning.md. */
const irVersion = 11

/** Of `TensorShapeProto`. */
const dimensionsField = 1

/** The operators that are ONNX Runtime's own. */
export const microsoft = 'com.microsoft'

/** A graph in the making: its parts are added in any order but the nodes', which must be that of their execution. */
export class OnnxGraph {
  readonly inputs: TensorSpec[] = []
  readonly outputs: TensorSpec[] = []
  readonly #nodes: Uint8Array[] = []
  readonly #tensors = new Map<string, Uint8Array>()
  readonly #externalPath: string
  #externalBytes = 0

  /** @param externalPath The file with the weights, relative to the folder of the graph's own. */
  constructor(externalPath: string) {
    this.#externalPath = externalPath
  }

  /** The bytes of the file with the weights. */
  get externalBytes(): number {
    return this.#externalBytes
  }

  input(name: string, dtype: WrittenDtype, shape: readonly (number | string)[]): string {
    this.inputs.push({ name, dtype, shape })
    return name
  }

  output(name: string, dtype: WrittenDtype, shape: readonly (number | string)[]): void {
    this.outputs.push({ name, dtype, shape })
  }

  /**
   * @param inputs Empty texts stand for optional inputs that are left out.
   * @param outputs One name or several; empty texts as above.
   * @returns The first output's name.
   */
  node(
    operator: string,
    inputs: readonly string[],
    outputs: string | readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    domain: '' | typeof microsoft = '',
  ): string {
    const names = typeof outputs === 'string' ? [outputs] : outputs
    const [first = ''] = names
    const { input, output, name, operator: type, attribute, domain: domainField } = onnx.nodeFields
    this.#nodes.push(
      concatBytes([
        ...inputs.map((item) => encodeBytes(input, item)),
        ...names.map((item) => encodeBytes(output, item)),
        encodeBytes(name, `${first}/${operator}`),
        encodeBytes(type, operator),
        ...Object.entries(attributes).map((entry) => encodeBytes(attribute, encodeAttribute(...entry))),
        ...(domain === '' ? [] : [encodeBytes(domainField, domain)]),
      ]),
    )
    return first
  }

  /** A small tensor within the graph. The same name is the same tensor: it is written once. */
  constant(name: string, dtype: WrittenDtype, shape: readonly number[], values: readonly number[]): string {
    if (!this.#tensors.has(name)) {
      const raw = encodeBytes(onnx.tensorFields.rawData, rawBytes(dtype, values))
      this.#tensors.set(name, concatBytes([encodeTensorHead(name, dtype, shape), raw]))
    }
    return name
  }

  /** A tensor whose bytes lie in the file with the weights. */
  weight(name: string, dtype: WrittenDtype, shape: readonly number[]): WeightPlace {
    const offset = Math.ceil(this.#externalBytes / alignment) * alignment
    const bytes = shape.reduce((product, length) => product * length, dtypeBytes[dtype])
    this.#externalBytes = offset + bytes
    const place = { location: this.#externalPath, offset, length: bytes }
    this.#tensors.set(name, concatBytes([encodeTensorHead(name, dtype, shape), encodePlace(place)]))
    return { offset, bytes }
  }

  /** The contents of an `.onnx` file. */
  toModel(opsets: Readonly<Record<string, number>>): Uint8Array<ArrayBuffer> {
    const { node, name, initializer, input, output } = onnx.graphFields
    const graph = concatBytes([
      ...this.#nodes.map((bytes) => encodeBytes(node, bytes)),
      encodeBytes(name, 'model'),
      ...Array.from(this.#tensors.values(), (bytes) => encodeBytes(initializer, bytes)),
      ...this.inputs.map((spec) => encodeBytes(input, encodeValueInfo(spec))),
      ...this.outputs.map((spec) => encodeBytes(output, encodeValueInfo(spec))),
    ])
    const { domain, version } = onnx.opsetFields
    return concatBytes([
      encodeVarint(onnx.modelFields.irVersion, irVersion),
      encodeBytes(onnx.modelFields.producer, 'edgeward'),
      encodeBytes(onnx.modelFields.graph, graph),
      ...Object.entries(opsets).map(([key, value]) =>
        encodeBytes(onnx.modelFields.opset, concatBytes([encodeBytes(domain, key), encodeVarint(version, value)])),
      ),
    ])
  }
}

function encodeAttribute(name: string, value: Attribute): Uint8Array {
  const { name: nameField, float, int, ints, type } = onnx.attributeFields
  const types = onnx.attributeTypes
  const encoded = () => {
    if (typeof value === 'number') return [encodeVarint(int, value), encodeVarint(type, types.int)]
    if ('float' in value) return [encodeFloat(float, value.float), encodeVarint(type, types.float)]
    return [...value.map((item) => encodeVarint(ints, item)), encodeVarint(type, types.ints)]
  }
  return concatBytes([encodeBytes(nameField, name), ...encoded()])
}

function encodeTensorHead(name: string, dtype: WrittenDtype, shape: readonly number[]): Uint8Array {
  const { dims, dataType, name: nameField } = onnx.tensorFields
  return concatBytes([
    ...shape.map((length) => encodeVarint(dims, length)),
    encodeVarint(dataType, dataTypes[dtype]),
    encodeBytes(nameField, name),
  ])
}

function encodePlace(place: Readonly<Record<string, string | number>>): Uint8Array {
  const { key, value } = onnx.entryFields
  const entries = Object.entries(place).map(([name, item]) =>
    encodeBytes(
      onnx.tensorFields.externalData,
      concatBytes([encodeBytes(key, name), encodeBytes(value, String(item))]),
    ),
  )
  return concatBytes([...entries, encodeVarint(onnx.tensorFields.dataLocation, onnx.externalLocation)])
}

function encodeValueInfo({ name, dtype, shape }: TensorSpec): Uint8Array {
  const { dimensionFields, tensorTypeFields, typeFields, valueInfoFields } = onnx
  const dimensions = shape.map((length) =>
    encodeBytes(
      dimensionsField,
      typeof length === 'number'
        ? encodeVarint(dimensionFields.value, length)
        : encodeBytes(dimensionFields.name, length),
    ),
  )
  const number = Object.entries(dataTypes).find(([key]) => key === dtype)?.[1] ?? 0
  const tensorType = concatBytes([
    encodeVarint(tensorTypeFields.elementType, number),
    encodeBytes(tensorTypeFields.shape, concatBytes(dimensions)),
  ])
  return concatBytes([
    encodeBytes(valueInfoFields.name, name),
    encodeBytes(valueInfoFields.type, encodeBytes(typeFields.tensorType, tensorType)),
  ])
}

/** The values' bytes, little-endian as ONNX has them and as every machine is that runs this. */
function rawBytes(dtype: WrittenDtype, values: readonly number[]): Uint8Array {
  const arrays = {
    float32: () => Float32Array.from(values),
    uint8: () => Uint8Array.from(values),
    int8: () => Int8Array.from(values),
    int32: () => Int32Array.from(values),
    int64: () => BigInt64Array.from(values, BigInt),
    float16: () => Uint16Array.from(values, float16Bits),
  }
  const { buffer, byteOffset, byteLength } = arrays[dtype]()
  return new Uint8Array(buffer, byteOffset, byteLength)
}
