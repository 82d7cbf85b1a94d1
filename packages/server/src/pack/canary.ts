/** Makes the canary of a graph: what a known input gives on the graph that is taken for right. */
import { canaryTensor, float16Value } from 'edgeward/manifest'
import type { Canary, CanaryInput, CanaryOutput, Tensor, TensorMap, VariantDtype } from 'edgeward/manifest'
import type { OpenGraph } from './open-graph.js'
import { PackError } from './pack-error.js'
import type { RecipeCanary } from './recipe.js'
import { defaultTolerance } from './tolerance.js'

/** Enough to notice a wrong kernel, little enough for a manifest. */
const mostSamples = 64
const fewestSamples = 8

export interface CanaryOptions {
  readonly canary: RecipeCanary
  /** Of the variant whose canary this is. */
  readonly dtype: VariantDtype
  /** The names of the outputs that the variant's graph has. */
  readonly outputs: readonly string[]
  /** The graph that is taken for right, open natively, and what it is. */
  readonly reference: OpenGraph
  readonly madeFrom: VariantDtype
  /** The graph, for messages. */
  readonly where: string
}

/**
 * Inputs whose data are shorter than their shape are repeated to fill it.
 *
 * @throws {PackError} when the canary would find nothing: its output is all zeros, or as good as that.
 */
export async function makeCanary({ canary, dtype, reference, madeFrom, ...options }: CanaryOptions): Promise<Canary> {
  const { where } = options
  const inputs = Object.fromEntries(
    Object.entries(canary.inputs).map(([name, input]) => [name, repeated(input, `${where}: ${name}`)]),
  )
  const results = await reference.run(referenceInputs(inputs, reference))
  const outputs: Record<string, CanaryOutput> = {}
  for (const name of options.outputs) {
    const found = results[name]
    if (found === undefined) throw new PackError(`${where}: the ${madeFrom} graph for its canary has no output ${name}`)
    const numbers = toNumbers(found)
    if (numbers === undefined) continue
    const samples = sample(numbers, `${where}: ${name}`)
    const tolerance = canary.tolerance ?? defaultTolerance(dtype, samples.values)
    checkTolerance(samples.values, tolerance, `${where}: ${name}`)
    outputs[name] = { shape: found.shape, ...samples, tolerance }
  }
  if (Object.keys(outputs).length === 0) {
    throw new PackError(`${where}: the canary's output gives no numbers to compare: leave the canary out`)
  }
  return { inputs, outputs, madeFrom }
}

/** The tensors of a canary's inputs. */
export function canaryTensors(inputs: Canary['inputs']): TensorMap {
  return Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, canaryTensor(input)]))
}

/** The same numbers in the dtypes that the reference takes: an fp16 graph may take half precision, where fp32 does not. */
function referenceInputs(inputs: Canary['inputs'], reference: OpenGraph): TensorMap {
  const dtypes = new Map(reference.inputs.map(({ name, dtype }) => [name, dtype]))
  const converted = Object.entries(inputs).map(([name, input]) => {
    return [name, { ...input, dtype: dtypes.get(name) ?? input.dtype }] as const
  })
  return canaryTensors(Object.fromEntries(converted))
}

function repeated(input: CanaryInput, where: string): CanaryInput {
  if (!('data' in input)) return input
  const length = product(input.shape)
  if (input.data.length === length) return input
  if (input.data.length === 0 || length % input.data.length !== 0) {
    const found = `${input.data.length} values do not fill the shape [${input.shape.join(', ')}]`
    throw new PackError(`${where}: the canary's ${found}, should be ${length} values or a part that repeats to it`)
  }
  return { ...input, data: Array.from({ length }, (_, index) => input.data[index % input.data.length] ?? 0) }
}

/** An output as numbers; nothing for texts, which a canary does not compare. */
function toNumbers(tensor: Tensor): number[] | undefined {
  if (tensor.dtype === 'string') return undefined
  if (tensor.dtype === 'float16') return Array.from(tensor.data, float16Value)
  return Array.from(tensor.data as ArrayLike<number | bigint>, Number)
}

function sample(numbers: readonly number[], where: string): Pick<CanaryOutput, 'stride' | 'values'> {
  const stride = bestStride(numbers)
  const values = everyNth(numbers, stride).map((value) => Number(value.toPrecision(7)))
  if (!values.every(Number.isFinite)) {
    throw new PackError(`${where}: the canary's output is not finite: choose an input that gives numbers`)
  }
  if (values.every((value) => value === 0)) {
    throw new PackError(`${where}: the canary's output is all zeros, which finds nothing: choose another input`)
  }
  return { stride, values }
}

/** A tolerance that an output of nothing but zeros would meet finds nothing either. */
function checkTolerance(values: readonly number[], tolerance: CanaryOutput['tolerance'], where: string): void {
  const isMetByZeros = values.every((value) => {
    return Math.abs(value) <= tolerance.absolute + tolerance.relative * Math.abs(value)
  })
  if (!isMetByZeros) return
  const { absolute, relative } = tolerance
  throw new PackError(
    `${where}: the canary's tolerance (absolute ${absolute}, relative ${relative}) would accept an output of all zeros: make it smaller, or choose another input`,
  )
}

/**
 * The stride whose samples weigh most. In a softmax over thousands of classes nearly all values are about zero, and
 * samples at random would show nothing: this finds the stride that meets the peaks.
 */
function bestStride(numbers: readonly number[]): number {
  const first = Math.max(1, Math.ceil(numbers.length / mostSamples))
  const last = Math.max(first, Math.floor(numbers.length / fewestSamples))
  let best = { stride: first, weight: -1 }
  for (let stride = first; stride <= last; stride += 1) {
    const weight = everyNth(numbers, stride).reduce((sum, value) => sum + Math.abs(value), 0)
    if (weight > best.weight) best = { stride, weight }
  }
  return best.stride
}

function everyNth(numbers: readonly number[], stride: number): number[] {
  const values: number[] = []
  for (let index = 0; index < numbers.length; index += stride) values.push(numbers[index] ?? Number.NaN)
  return values
}

function product(shape: readonly number[]): number {
  return shape.reduce((total, length) => total * length, 1)
}
