/** Compares a canary's outputs with what they must be; the packing tool and the worker judge alike. */
import type { Canary, CanaryOutput, Tensor, TensorMap } from '../contract/index.js'
import { float16Value } from '../shared/index.js'

/** The first thing about a canary's outputs that is not as it must be. */
export interface CanaryMismatch {
  readonly output: string
  /** What it is and what it should be: the rest of a sentence that begins with the output. */
  readonly what: string
  /** The same for programs; of a wrong value `position` (in the flat data), `difference` and `allowed`. */
  readonly details: Readonly<Record<string, unknown>>
}

/** Nothing when every output is right within its tolerance. NaN is never right. */
export function compareCanary({ outputs }: Canary, found: TensorMap): CanaryMismatch | undefined {
  for (const [output, expected] of Object.entries(outputs)) {
    const mismatch = compareOutput(expected, found[output])
    if (mismatch) return { output, ...mismatch }
  }
  return undefined
}

function compareOutput(expected: CanaryOutput, found: Tensor | undefined): Omit<CanaryMismatch, 'output'> | undefined {
  if (found === undefined) return { what: 'is missing', details: { expected: expected.shape } }
  if (String(found.shape) !== String(expected.shape)) {
    const what = `has the shape [${found.shape.join(', ')}] instead of [${expected.shape.join(', ')}]`
    return { what, details: { expected: expected.shape, found: found.shape } }
  }
  const { stride, tolerance, values } = expected
  for (const [index, value] of values.entries()) {
    const position = index * stride
    const number = numberAt(found, position)
    if (Number.isNaN(number)) {
      return { what: `is not a number at ${position}, and should be ${value}`, details: { position, found: 'NaN' } }
    }
    const difference = Math.abs(number - value)
    const allowed = tolerance.absolute + tolerance.relative * Math.abs(value)
    if (difference > allowed) {
      const what = `is ${number} instead of ${value} at ${position}, where ${allowed} more or less is allowed`
      return { what, details: { position, difference, allowed } }
    }
  }
  return undefined
}

/** NaN also where there is no value. Beyond 2⁵³, the nearest number that JavaScript has. */
function numberAt({ dtype, data }: Tensor, position: number): number {
  const value = data[position]
  if (value === undefined) return NaN
  return dtype === 'float16' ? float16Value(Number(value)) : Number(value)
}
