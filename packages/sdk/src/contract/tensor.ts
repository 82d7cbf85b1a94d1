/** Tensors as they travel everywhere in Edgeward: row-major (C order) typed arrays with a shape. */

/** The typed array that holds each dtype. float16 travels as its bits; bool as 0 and 1. */
export interface TensorDataByDtype {
  float32: Float32Array
  float64: Float64Array
  float16: Uint16Array
  int8: Int8Array
  uint8: Uint8Array
  int16: Int16Array
  uint16: Uint16Array
  int32: Int32Array
  uint32: Uint32Array
  int64: BigInt64Array
  uint64: BigUint64Array
  bool: Uint8Array
  string: readonly string[]
}

/** The names of element types, as ONNX Runtime spells them. */
export type TensorDtype = keyof TensorDataByDtype

/** A tensor of one known dtype. `data.length` is the product of `shape`. */
export interface TensorOf<D extends TensorDtype> {
  readonly dtype: D
  readonly shape: readonly number[]
  readonly data: TensorDataByDtype[D]
}

/** A tensor of any dtype, discriminated by `dtype`. */
export type Tensor = { [D in TensorDtype]: TensorOf<D> }[TensorDtype]

/** Tensors by name. */
export type TensorMap = Readonly<Record<string, Tensor>>
