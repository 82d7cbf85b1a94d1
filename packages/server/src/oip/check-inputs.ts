/** Checks a request against what the model takes and gives, so that a wrong one is told what would be right. */
import { EdgewardError, type Tensor, type TensorMap } from 'edgeward'
import type { TensorSpec } from 'edgeward/manifest'
import { datatypeOf, type RequestedOutput } from 'edgeward/oip'

/** What ONNX Runtime takes. */
const longestDimension = 2 ** 31 - 1

/** The part of a served model that requests are checked against. */
export interface ModelSignature {
  readonly name: string
  readonly inputs: readonly TensorSpec[]
  readonly outputs: readonly TensorSpec[]
}

/**
 * Every input there and none too many, with the right datatype, rank and fixed dimensions; a symbolic dimension has one
 * length wherever it appears.
 *
 * @throws {EdgewardError} `INVALID_INPUT`
 */
export function checkInputs(model: ModelSignature, inputs: TensorMap): void {
  const known = model.inputs.map((spec) => spec.name)
  for (const name of Object.keys(inputs)) {
    if (!known.includes(name)) throw wrong(`model "${model.name}" has no input "${name}"; it takes ${listNames(known)}`)
  }
  const lengths = new Map<string, { input: string; length: number }>()
  for (const spec of model.inputs) {
    const input = Object.hasOwn(inputs, spec.name) ? inputs[spec.name] : undefined
    if (!input) throw wrong(`input "${spec.name}" is missing; ${takes(model, spec)}`)
    checkInput(model, spec, input)
    checkSymbols(spec, input, lengths)
  }
}

/**
 * The names of the outputs to compute: those asked for, or all.
 *
 * @throws {EdgewardError} `INVALID_INPUT` for a name that the model does not give, or one asked for twice.
 */
export function outputNames(model: ModelSignature, requested: readonly RequestedOutput[] | undefined): string[] {
  const known = model.outputs.map((spec) => spec.name)
  // An empty list asks for nothing in particular, as with other servers of the protocol.
  if (!requested || requested.length === 0) return known
  const names = new Set<string>()
  for (const { name } of requested) {
    if (!known.includes(name))
      throw wrong(`model "${model.name}" has no output "${name}"; it gives ${listNames(known)}`)
    if (names.has(name)) throw wrong(`output "${name}" is asked for twice`)
    names.add(name)
  }
  return [...names]
}

function checkInput(model: ModelSignature, spec: TensorSpec, { dtype, shape }: Tensor): void {
  if (dtype !== spec.dtype)
    throw wrong(`input "${spec.name}" is ${datatypeOf(dtype, spec.name)}; ${takes(model, spec)}`)
  const fits =
    shape.length === spec.shape.length &&
    shape.every((length, axis) => typeof spec.shape[axis] === 'string' || spec.shape[axis] === length)
  if (!fits) throw wrong(`input "${spec.name}" has shape [${shape.slice(0, 8).join(', ')}]; ${takes(model, spec)}`)
  // Only a tensor without values gets here with such a one.
  const tooLong = shape.find((length) => length > longestDimension)
  if (tooLong !== undefined) {
    throw wrong(`input "${spec.name}" has a dimension of ${tooLong}, should be at most ${longestDimension}`)
  }
}

function checkSymbols(
  spec: TensorSpec,
  { shape }: Tensor,
  lengths: Map<string, { input: string; length: number }>,
): void {
  for (const [axis, length] of shape.entries()) {
    const symbol = spec.shape[axis]
    if (typeof symbol !== 'string') continue
    const first = lengths.get(symbol)
    if (!first) lengths.set(symbol, { input: spec.name, length })
    else if (first.length !== length) {
      const where = `dimension ${axis} ("${symbol}") of input "${spec.name}"`
      throw wrong(`${where} is ${length}, but ${first.length} in input "${first.input}"; both must be the same`)
    }
  }
}

function takes(model: ModelSignature, { name, dtype, shape }: TensorSpec): string {
  return `model "${model.name}" takes "${name}" as ${datatypeOf(dtype, name)} of shape [${shape.join(', ')}]`
}

function listNames(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ')
}

function wrong(message: string): EdgewardError {
  return new EdgewardError('INVALID_INPUT', message)
}
