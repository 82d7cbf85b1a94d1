/** Which of the protocol's datatypes is which dtype of a tensor, and what holds its values. */
import type { TensorDtype } from '../../contract/index.js'
import { EdgewardError } from '../../errors/index.js'

/** The datatypes of Open Inference Protocol v2 that Edgeward speaks. */
export type OipDatatype = (typeof datatypes)[TensorDtype]

const datatypes = {
  bool: 'BOOL',
  uint8: 'UINT8',
  uint16: 'UINT16',
  uint32: 'UINT32',
  uint64: 'UINT64',
  int8: 'INT8',
  int16: 'INT16',
  int32: 'INT32',
  int64: 'INT64',
  float16: 'FP16',
  float32: 'FP32',
  float64: 'FP64',
  string: 'BYTES',
} as const satisfies Record<TensorDtype, string>

/** The typed arrays that hold the values of each dtype; strings have none. */
export const arrayTypes = {
  bool: Uint8Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  float16: Uint16Array,
  float32: Float32Array,
  float64: Float64Array,
} as const

/** Every dtype whose values are held by a typed array. */
export type NumericDtype = keyof typeof arrayTypes

const dtypes = new Map<string, TensorDtype>(
  Object.entries(datatypes).map(([dtype, datatype]) => [datatype, dtype as TensorDtype]),
)

/**
 * The protocol's name of a dtype.
 *
 * @throws EdgewardError `UNSUPPORTED_DTYPE` when a caller without types asks for a dtype that does not exist.
 */
export function datatypeOf(dtype: TensorDtype, tensor: string): OipDatatype {
  if (Object.hasOwn(datatypes, dtype)) return datatypes[dtype]
  throw unsupported(dtype, tensor, Object.keys(datatypes))
}

/**
 * The dtype of one of the protocol's datatypes.
 *
 * @param tensor - Its name, for the message of the error.
 * @throws EdgewardError `UNSUPPORTED_DTYPE` for `BF16`, which the protocol's standard does not have and no typed array
 * holds, and for unknown names.
 */
export function dtypeOf(datatype: string, tensor: string): TensorDtype {
  const dtype = dtypes.get(datatype)
  if (dtype === undefined) throw unsupported(datatype, tensor, [...dtypes.keys()])
  return dtype
}

function unsupported(type: string, tensor: string, possible: readonly string[]): EdgewardError {
  return new EdgewardError(
    'UNSUPPORTED_DTYPE',
    `tensor '${tensor}' is of type ${type}, which Edgeward cannot carry; possible are ${possible.join(', ')}`,
    { details: { tensor, type } },
  )
}
