/** The fields of ONNX that are read here, by their numbers (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto). */

export const modelFields = Object.freeze({ graph: 7 })
export const graphFields = Object.freeze({ node: 1, initializer: 5, input: 11, output: 12 })
export const nodeFields = Object.freeze({ attribute: 5 })
export const attributeFields = Object.freeze({ tensor: 5, graph: 6, tensors: 10, graphs: 11 })
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
