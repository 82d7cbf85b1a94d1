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
 * How many values of an output are looked at for NaN: all of small ones; of larger ones so many at least, and two of each row
 * (the last dimension), along which NaN spreads in layers that normalise or multiply, as long as that is not too many. A look
 * takes 5 to 10 ns, so that none takes more than a third of a millisecond. Zeros cost less: the first value that is none ends
 * the search.
 */
const looks = Object.freeze({ least: 8_192, most: 32_768 })

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

/** Whether an output is nothing but zeros, be they few: of a GPU, what it gives in the moment of its loss may be. */
export function isMaybeLost(outputs: TensorMap): boolean {
  return Object.values(outputs).some((tensor) => isFloat(tensor) && isAllZeros(tensor, 0))
}

/** Whether a tensor has nothing but zeros, and more than `few` of them. */
export function isAllZeros({ dtype, data }: Tensor, few = fewZeros): boolean {
  if (dtype === 'string' || data.length <= few) return false
  // Of float16, the bits: the highest one is the sign.
  if (dtype === 'float16') return data.every((bits) => (bits & 0x7fff) === 0)
  const values: ArrayLike<number | bigint> = data
  for (let index = 0; index < values.length; index += 1) if (Number(values[index]) !== 0) return false
  return true
}

/** How many of the values looked at are NaN. */
function countNans({ dtype, shape, data }: FloatTensor): { readonly found: number; readonly looks: number } {
  const { length } = data
  const halfRow = (shape.at(-1) ?? 1) / 2
  const wanted = Math.max(length / looks.most, Math.min(length / looks.least, halfRow))
  // Odd, so that it does not fall on the same column of every row.
  const step = Math.floor(wanted) | 1
  let found = 0
  for (let index = 0; index < length; index += step) {
    const value = data[index] ?? 0
    if (dtype === 'float16' ? (value & 0x7fff) > 0x7c00 : value !== value) found += 1
  }
  return { found, looks: Math.ceil(length / step) }
}
