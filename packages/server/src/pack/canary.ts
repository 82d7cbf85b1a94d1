/** Makes the canary of a graph: runs its known input natively and takes samples of what comes out. */
import { canaryTensor, type Canary, type CanaryInput, type CanaryOutput } from 'edgeward/manifest'
import { Tensor, type InferenceSession } from 'onnxruntime-node'
import { PackError } from './pack-error.js'
import type { RecipeCanary } from './recipe.js'

/** Enough to notice a wrong kernel, little enough for a manifest. */
const mostSamples = 64
const fewestSamples = 8

/**
 * Inputs whose data are shorter than their shape are repeated to fill it.
 *
 * @param where The graph, for messages.
 * @throws {PackError} when the canary cannot run, or would find nothing because its output is all zeros.
 */
export async function makeCanary(session: InferenceSession, canary: RecipeCanary, where: string): Promise<Canary> {
  const inputs = Object.fromEntries(
    Object.entries(canary.inputs).map(([name, input]) => [name, repeated(input, `${where}: ${name}`)]),
  )
  const feeds = Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, toTensor(input)]))
  const results = await session.run(feeds)
  const outputs: Record<string, CanaryOutput> = {}
  for (const [name, tensor] of Object.entries(results)) {
    const numbers = toNumbers(tensor)
    if (numbers)
      outputs[name] = { shape: tensor.dims, ...sample(numbers, `${where}: ${name}`), tolerance: canary.tolerance }
  }
  return { inputs, outputs }
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

function toTensor(input: CanaryInput): Tensor {
  const { dtype, data, shape } = canaryTensor(input)
  // Edgeward's dtypes are ONNX Runtime's, but its constructor is overloaded by dtype.
  return new Tensor(dtype as 'float32', data as Float32Array, shape)
}

/** An output as numbers; nothing for texts, which a canary does not compare. */
function toNumbers({ type, data }: Tensor): number[] | undefined {
  if (type === 'string') return undefined
  if (type === 'float16') throw new PackError('a canary cannot have float16 outputs: give the graph float32 outputs')
  return Array.from(data as ArrayLike<number | bigint>, Number)
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
