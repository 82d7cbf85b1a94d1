/** Finds outputs that look like those of a driver that computes wrongly: NaN out of numbers, or nothing but zeros. */
import type { Tensor, TensorMap } from '../contract/index.js'

export interface Suspicion {
  readonly output: string
  readonly what: 'NaN' | 'zeros'
  /** Whether all values looked at are so; zeros always are. */
  readonly isWhole: boolean
}

/** Fewer zeros than these are an answer like any other. */
const fewZeros = 8

/**
 * About how many values of an output are looked at for NaN: all of most outputs, and every so many of larger ones, since NaN spreads
 * along rows. A look takes about a nanosecond, so that the largest output costs less than 0.1 ms. Zeros cost less: the first
 * value that is none ends the search.
 */
const maxLooks = 65_536

type FloatTensor = Extract<Tensor, { dtype: 'float16' | 'float32' | 'float64' }>

/** The first output that is suspicious. NaN is not, when the inputs had some. */
export function findSuspicion(inputs: TensorMap, outputs: TensorMap): Suspicion | undefined {
  for (const [output, tensor] of Object.entries(outputs)) {
    if (!isFloat(tensor)) continue
    if (isAllZeros(tensor)) return { output, what: 'zeros', isWhole: true }
    const nans = countNans(tensor)
    if (nans.found === 0 || Object.values(inputs).some((input) => isFloat(input) && countNans(input).found > 0))
      continue
    return { output, what: 'NaN', isWhole: nans.found === nans.looks }
  }
  return undefined
}

function isFloat(tensor: Tensor): tensor is FloatTensor {
  return tensor.dtype === 'float32' || tensor.dtype === 'float16' || tensor.dtype === 'float64'
}

/** Whether a tensor has nothing but zeros, and more than a few of them. */
export function isAllZeros({ dtype, data }: Tensor): boolean {
  if (dtype === 'string' || data.length <= fewZeros) return false
  // Of float16, the bits: the highest one is the sign.
  if (dtype === 'float16') return data.every((bits) => (bits & 0x7fff) === 0)
  const values: ArrayLike<number | bigint> = data
  for (let index = 0; index < values.length; index += 1) if (Number(values[index]) !== 0) return false
  return true
}

/** How many of the values looked at are NaN. */
export function countNans({ dtype, data }: FloatTensor): { readonly found: number; readonly looks: number } {
  // Odd, so that it does not fall on the same column of every row.
  const step = Math.floor(data.length / maxLooks) | 1
  let found = 0
  let looks = 0
  for (let index = 0; index < data.length; index += step) {
    const value = data[index] ?? 0
    looks += 1
    if (dtype === 'float16' ? (value & 0x7fff) > 0x7c00 : value !== value) found += 1
  }
  return { found, looks }
}
