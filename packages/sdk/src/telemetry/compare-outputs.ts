/** Compares two answers to the same request, computed at two placements. Pure. */
import type { CanaryOutput, Manifest, TaskName, TaskOutput, Tensor, TensorMap } from '../contract/index.js'
import { float16Value } from '../shared/index.js'

export interface Comparison {
  /** Whether the outputs are the same within what the model allows; absent when nothing says how much that is. */
  readonly agreed?: boolean
  /** The largest absolute difference between two numbers; `Infinity` where only one of them is a number. */
  readonly largestDifference?: number
}

type Tolerance = CanaryOutput['tolerance']

/**
 * How alike two vectors must be: the cosine of the angle between them. The manifest's tolerance says nothing of them, since it
 * is for single numbers of the graph's output, before pooling and normalising. MiniLM's `q8` against `fp32`: 0.9992 at least.
 */
const sameCosine = 0.999

/**
 * Compares output `a` of a task with output `b`.
 *
 * - `tensors`: the same names, shapes and dtypes, and each number within the tolerance of that output's canary (the widest,
 *   where variants differ). Texts, booleans and integers must be equal where no canary says otherwise.
 * - `feature-extraction`: as many vectors of the same lengths, each pair with a cosine of 0.999 or more.
 * - `image-to-text`: the same lines of text.
 */
export function compareOutputs<T extends TaskName>(
  task: T,
  manifest: Manifest | undefined,
  a: TaskOutput<T>,
  b: TaskOutput<T>,
): Comparison {
  return comparers[task](manifest, a, b)
}

const comparers: {
  readonly [T in TaskName]: (manifest: Manifest | undefined, a: TaskOutput<T>, b: TaskOutput<T>) => Comparison
} = {
  tensors: compareTensors,
  'feature-extraction': (_manifest, a, b) => compareVectors(a, b),
  'image-to-text': (_manifest, a, b) => ({ agreed: a.text === b.text }),
  'text-generation': (_manifest, a, b) => ({ agreed: a.text === b.text }),
}

function compareTensors(manifest: Manifest | undefined, a: TensorMap, b: TensorMap): Comparison {
  const names = Object.keys(a)
  if (names.length !== Object.keys(b).length) return { agreed: false }
  const comparisons = names.map((name): Comparison => {
    const [one, other] = [a[name], Object.hasOwn(b, name) ? b[name] : undefined]
    if (one?.dtype !== other?.dtype || String(one?.shape) !== String(other?.shape)) return { agreed: false }
    // Both are there: two that are missing have the same dtype, and `a` has this name.
    return compareTensor(one as Tensor, other as Tensor, toleranceOf(manifest, name))
  })
  const differences = comparisons.flatMap(({ largestDifference }) => largestDifference ?? [])
  return {
    ...joinVerdicts(comparisons),
    ...(differences.length > 0 && { largestDifference: Math.max(...differences) }),
  }
}

/** One that differs decides; else one that nobody can judge leaves it open. */
function joinVerdicts(comparisons: readonly Comparison[]): Pick<Comparison, 'agreed'> {
  if (comparisons.some(({ agreed }) => agreed === false)) return { agreed: false }
  return comparisons.every(({ agreed }) => agreed === true) ? { agreed: true } : {}
}

function compareTensor(a: Tensor, b: Tensor, tolerance: Tolerance | undefined): Comparison {
  if (a.data.length !== b.data.length) return { agreed: false }
  if (a.dtype === 'string') return { agreed: a.data.every((text, index) => text === b.data[index]) }
  const allowed = tolerance ?? (isExact(a) ? { absolute: 0, relative: 0 } : undefined)
  let largestDifference = 0
  let isWithin = true
  for (let index = 0; index < a.data.length; index += 1) {
    const expected = numberAt(a, index)
    const difference = differenceOf(expected, numberAt(b, index))
    largestDifference = Math.max(largestDifference, difference)
    if (allowed) isWithin &&= difference <= allowed.absolute + allowed.relative * Math.abs(expected)
  }
  return { largestDifference, ...(allowed && { agreed: isWithin }) }
}

function compareVectors(a: readonly Float32Array[], b: readonly Float32Array[]): Comparison {
  if (a.length !== b.length || a.some((vector, row) => vector.length !== b[row]?.length)) return { agreed: false }
  let agreed = true
  let largestDifference = 0
  a.forEach((vector, row) => {
    const other = b[row] ?? vector // As many, see above.
    // Written so that NaN disagrees.
    agreed &&= cosine(vector, other) >= sameCosine
    vector.forEach((value, index) => {
      largestDifference = Math.max(largestDifference, differenceOf(value, other[index] ?? NaN))
    })
  })
  return { agreed, largestDifference }
}

/** Of two vectors of zeros: 1. */
function cosine(a: Float32Array, b: Float32Array): number {
  let [product, lengthA, lengthB] = [0, 0, 0]
  for (let index = 0; index < a.length; index += 1) {
    const [x, y] = [a[index] ?? 0, b[index] ?? 0]
    product += x * y
    lengthA += x * x
    lengthB += y * y
  }
  return lengthA === 0 && lengthB === 0 ? 1 : product / Math.sqrt(lengthA * lengthB)
}

/** The widest tolerance that a canary of the model has for the output called `name`. */
function toleranceOf(manifest: Manifest | undefined, name: string): Tolerance | undefined {
  const graphs = manifest?.variants.flatMap((variant) => Object.values(variant.graphs)) ?? []
  const known = graphs.flatMap(({ canary }) =>
    canary && Object.hasOwn(canary.outputs, name) ? (canary.outputs[name]?.tolerance ?? []) : [],
  )
  if (known.length === 0) return undefined
  return {
    absolute: Math.max(...known.map(({ absolute }) => absolute)),
    relative: Math.max(...known.map(({ relative }) => relative)),
  }
}

function isExact({ dtype }: Tensor): boolean {
  return dtype !== 'float32' && dtype !== 'float64' && dtype !== 'float16'
}

function numberAt({ dtype, data }: Tensor, index: number): number {
  const value = Number(data[index])
  return dtype === 'float16' ? float16Value(value) : value
}

function differenceOf(a: number, b: number): number {
  if (Object.is(a, b)) return 0 // Two that are not a number, or the same infinity.
  const difference = Math.abs(a - b)
  return Number.isNaN(difference) ? Infinity : difference
}
