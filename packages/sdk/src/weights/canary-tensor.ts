/** Makes the tensor of a canary's input; the packing tool and the worker must make the same one. */
import type { CanaryInput, Tensor } from '../contract/index.js'
import { float16Bits } from '../shared/index.js'

/** The tensor that `input` describes; the ramp's formula is the one of {@link CanaryInput}. */
export function canaryTensor(input: CanaryInput): Tensor {
  const { dtype, shape } = input
  const length = shape.reduce((product, dimension) => product * dimension, 1)
  const values = 'data' in input ? input.data : Array.from({ length }, (_, index) => ((index % 17) - 8) / 8)
  // The data is of the dtype, which the compiler cannot see through the union.
  return { dtype, shape, data: typedData(dtype, values) } as Tensor
}

function typedData(dtype: Tensor['dtype'], values: readonly (number | string)[]): Tensor['data'] {
  if (dtype === 'string') return values.map(String)
  const numbers = values.map(Number)
  const whole = () => numbers.map(Math.floor)
  switch (dtype) {
    case 'float32':
      return Float32Array.from(numbers)
    case 'float64':
      return Float64Array.from(numbers)
    case 'int8':
      return Int8Array.from(whole())
    case 'uint8':
    case 'bool':
      return Uint8Array.from(whole())
    case 'int16':
      return Int16Array.from(whole())
    case 'uint16':
      return Uint16Array.from(whole())
    case 'int32':
      return Int32Array.from(whole())
    case 'uint32':
      return Uint32Array.from(whole())
    case 'int64':
      return BigInt64Array.from(whole().map(BigInt))
    case 'uint64':
      return BigUint64Array.from(whole().map(BigInt))
    case 'float16':
      return Uint16Array.from(numbers, float16Bits)
  }
}
