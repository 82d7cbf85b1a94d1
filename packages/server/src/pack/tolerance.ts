/** How far a canary's outputs may be from those of the fp32 model, by dtype. */
import type { CanaryOutput, VariantDtype } from 'edgeward/manifest'

type Tolerance = CanaryOutput['tolerance']

/** What a dtype may be off, as a share of the output's size; measured, see docs/manifests-and-recipes.md. */
const shares: Readonly<Record<VariantDtype, number>> = {
  fp32: 0.001,
  fp16: 0.005,
  q8: 0.05,
  int8: 0.1,
  q4: 0.15,
  q4f16: 0.15,
}

/**
 * The tolerance of an output for which the recipe states none: a share of its largest sample, and of each sample. The
 * largest is taken as the next power of two, so that it is the same on machines whose last digits differ; the tenth
 * keeps that step away from outputs of just 1, such as a sure probability.
 *
 * @param values The samples, of which one at least is not zero.
 */
export function defaultTolerance(dtype: VariantDtype, values: readonly number[]): Tolerance {
  const share = shares[dtype]
  const largest = Math.max(...values.map(Math.abs))
  return { absolute: share * 2 ** Math.ceil(Math.log2(largest * 1.1)), relative: share }
}
