/** A tensor's values as JSON text, and back. */
import type { Tensor, TensorDtype } from '../../contract/index.js'
import { float16Bits, float16Value } from '../../shared/index.js'
import { arrayTypes, type NumericDtype } from './datatype.js'
import { describeValue, elementCount, type Field } from './field.js'
import { loneSurrogate, toTensor } from './tensor.js'

/**
 * How numbers that JSON does not have are written.
 *
 * - `bare`: `NaN`, `Infinity`, which Triton and KServe read; others refuse the message.
 * - `standard`: `null` for NaN (as KServe and MLServer do), `1e999` for infinity: valid JSON that reads as such.
 */
export type NonFinite = 'bare' | 'standard'

/** The values of a tensor as the text of a flat JSON array. 64-bit integers keep every digit. */
export function encodeTensorJson(tensor: Tensor, nonFinite: NonFinite): string {
  return `[${valueTexts(tensor, nonFinite).join(',')}]`
}

function valueTexts(tensor: Tensor, nonFinite: NonFinite): readonly string[] {
  switch (tensor.dtype) {
    case 'string':
      return tensor.data.map((text) => JSON.stringify(text))
    case 'bool':
      return Array.from(tensor.data, (bit) => (bit ? 'true' : 'false'))
    case 'float16':
      return Array.from(tensor.data, (bits) => numberText(float16Value(bits), nonFinite))
    default:
      return Array.from<number | bigint, string>(tensor.data, (value) => numberText(value, nonFinite))
  }
}

function numberText(value: number | bigint, nonFinite: NonFinite): string {
  if (nonFinite === 'standard' && typeof value === 'number' && !Number.isFinite(value)) {
    return Number.isNaN(value) ? 'null' : value < 0 ? '-1e999' : '1e999'
  }
  return Object.is(value, -0) ? '-0' : String(value)
}

/**
 * Reads a tensor's values, flat or nested as its shape says, from parsed JSON.
 *
 * @throws EdgewardError with the field's code and the path of the first value that does not fit.
 */
export function decodeTensorJson(data: Field, dtype: TensorDtype, shape: readonly number[]): Tensor {
  const values = flatten(data, shape)
  if (values.length !== elementCount(shape)) {
    throw data.error(`has ${values.length} values, but shape [${shape.join(', ')}] needs ${elementCount(shape)}`)
  }
  if (dtype === 'string') return { dtype, shape, data: readStrings(values, data) }
  const array = new arrayTypes[dtype](values.length)
  values.forEach((value, index) => {
    const element = toElement(value, dtype)
    if (element !== undefined) array[index] = element
    // Reading back finds fractions and numbers out of range in integer arrays.
    if (element === undefined || (isExact(dtype) && array[index] !== element)) {
      throw data.error(`value ${index} must be ${description(dtype)}, found ${describeValue(value)}`)
    }
  })
  return toTensor(dtype, shape, array)
}

function flatten(data: Field, shape: readonly number[]): readonly unknown[] {
  let level = data.array()
  for (const size of shape.slice(1)) {
    if (!level.some(Array.isArray)) break
    const fits = level.every((item) => Array.isArray(item) && item.length === size)
    if (!fits) throw data.error(`is nested, but not as shape [${shape.join(', ')}] says`)
    level = level.flat()
  }
  return level
}

function readStrings(values: readonly unknown[], data: Field): string[] {
  return values.map((value, index) => {
    if (typeof value === 'string' && !loneSurrogate.test(value)) return value
    throw data.error(`value ${index} must be a string that is valid Unicode, found ${describeValue(value)}`)
  })
}

function toElement(value: unknown, dtype: NumericDtype): number | bigint | undefined {
  if (dtype === 'bool') return typeof value === 'boolean' || value === 0 || value === 1 ? Number(value) : undefined
  if (dtype === 'int64' || dtype === 'uint64') {
    return typeof value === 'bigint' || Number.isInteger(value) ? BigInt(value as number | bigint) : undefined
  }
  // KServe and MLServer write null for NaN.
  const number = value === null && !isExact(dtype) ? NaN : typeof value === 'bigint' ? Number(value) : value
  if (typeof number !== 'number') return undefined
  return dtype === 'float16' ? float16Bits(number) : number
}

/** Whether a value must be held as it is; floats are rounded to the nearest instead. */
function isExact(dtype: NumericDtype): boolean {
  return !dtype.startsWith('float')
}

function description(dtype: NumericDtype): string {
  if (dtype === 'bool') return 'true or false'
  return isExact(dtype) ? `an integer that fits ${dtype}` : 'a number'
}
