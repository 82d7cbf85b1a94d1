/** The fields of ONNX that are read and written here, by their numbers (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto). */

export const modelFields = Object.freeze({ irVersion: 1, producer: 2, graph: 7, opset: 8 })
/** Of `OperatorSetIdProto`. */
export const opsetFields = Object.freeze({ domain: 1, version: 2 })
export const graphFields = Object.freeze({ node: 1, name: 2, initializer: 5, input: 11, output: 12 })
export const nodeFields = Object.freeze({ input: 1, output: 2, name: 3, operator: 4, attribute: 5, domain: 7 })
export const attributeFields = Object.freeze({
  name: 1,
  float: 2,
  int: 3,
  tensor: 5,
  graph: 6,
  ints: 8,
  tensors: 10,
  graphs: 11,
  type: 20,
})
/** `AttributeProto.AttributeType`. */
export const attributeTypes = Object.freeze({ float: 1, int: 2, ints: 7 })
export const tensorFields = Object.freeze({
  dims: 1,
  dataType: 2,
  name: 8,
  rawData: 9,
  externalData: 13,
  dataLocation: 14,
})
/** Of `StringStringEntryProto`. */
export const entryFields = Object.freeze({ key: 1, value: 2 })
export const valueInfoFields = Object.freeze({ name: 1, type: 2 })
export const typeFields = Object.freeze({ tensorType: 1 })
export const tensorTypeFields = Object.freeze({ elementType: 1, shape: 2 })
export const dimensionFields = Object.freeze({ value: 1, name: 2 })

/** `TensorProto.DataLocation`. */
export const externalLocation = 1
