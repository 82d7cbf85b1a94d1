/** Checks that a tensor is well formed: a known dtype, a shape, and as many values of the right kind. */
import type { Tensor, TensorDtype } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import { describeValue, tagOf } from './describe-value.js'

const arrayNames: Readonly<Record<TensorDtype, string>> = {
  float32: 'Float32Array',
  float64: 'Float64Array',
  float16: 'Uint16Array',
  int8: 'Int8Array',
  uint8: 'Uint8Array',
  int16: 'Int16Array',
  uint16: 'Uint16Array',
  int32: 'Int32Array',
  uint32: 'Uint32Array',
  int64: 'BigInt64Array',
  uint64: 'BigUint64Array',
  bool: 'Uint8Array',
  string: 'Array',
}

/**
 * Makes sure that `tensor` is a tensor.
 *
 * @throws EdgewardError `INVALID_INPUT` that names the tensor, what came and what is right.
 */
export function checkTensor(name: string, tensor: unknown): asserts tensor is Tensor {
  const fail = (problem: string): never => {
    throw new EdgewardError('INVALID_INPUT', `The tensor "${name}" ${problem}.`, { details: { tensor: name } })
  }
  if (typeof tensor !== 'object' || tensor === null || !('dtype' in tensor && 'shape' in tensor && 'data' in tensor)) {
    return fail(`must be { dtype, shape, data }, and is ${describeValue(tensor)}`)
  }
  const { dtype, shape, data } = tensor
  if (!isDtype(dtype)) {
    return fail(`has the dtype ${JSON.stringify(dtype)}, which must be one of ${Object.keys(arrayNames).join(', ')}`)
  }
  if (!isShape(shape)) return fail(`must have a shape of whole numbers from 0 up, and has ${JSON.stringify(shape)}`)
  if (tagOf(data) !== arrayNames[dtype]) {
    const bits = dtype === 'float16' ? ' that holds the bits' : ''
    return fail(`is ${dtype}, so its data must be a ${arrayNames[dtype]}${bits}, and is ${describeValue(data)}`)
  }
  const values = data as ArrayLike<unknown> // Its tag says that it is an array.
  const expected = shape.reduce((product, length) => product * length, 1)
  if (values.length !== expected) {
    return fail(`has the shape [${shape.join(', ')}], which is ${expected} values, but its data has ${values.length}`)
  }
  if (dtype === 'string' && !Array.from(values).every((value) => typeof value === 'string')) {
    return fail('is of dtype string, so all of its data must be strings')
  }
}

function isDtype(dtype: unknown): dtype is TensorDtype {
  return typeof dtype === 'string' && Object.hasOwn(arrayNames, dtype)
}

function isShape(shape: unknown): shape is readonly number[] {
  return Array.isArray(shape) && Array.from(shape).every((length) => Number.isSafeInteger(length) && length >= 0)
}
