/** Checks what a run gave against what the manifest says of it, so that no malformed tensor goes further. Costs microseconds. */
import type { Graph, Tensor, TensorMap, TensorSpec } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'

/** The lengths that symbolic dimensions have in one run, and the tensor that each was first seen in; `any` where inputs differ. */
type Symbols = Map<string, { readonly length: number; readonly tensor: string } | 'any'>

/**
 * Makes sure that the `wanted` outputs are there, each with the dtype and as many values as its shape says, and, where
 * `areShapesBinding`, of the rank and the dimensions that the graph states; equal symbols mean equal lengths in all inputs and
 * outputs.
 *
 * @param areShapesBinding - not for a model whose manifest was made from its files: exporters write shapes that their own models
 *   do not keep (Swin2SR's pictures come out larger than `height` and `width`), and ONNX Runtime only warns of it
 * @throws EdgewardError OUTPUT_INVALID
 */
export function checkOutputs(
  { inputs: inputSpecs, outputs: outputSpecs }: Pick<Graph, 'inputs' | 'outputs'>,
  inputs: TensorMap,
  outputs: TensorMap,
  wanted: readonly string[],
  areShapesBinding: boolean,
): void {
  const symbols: Symbols = new Map()
  if (areShapesBinding) {
    for (const spec of inputSpecs) {
      const tensor = inputs[spec.name]
      if (tensor) noteInput(spec, tensor, symbols)
    }
  }
  for (const name of wanted) {
    const tensor = outputs[name]
    if (tensor === undefined) throw invalid(name, 'is missing', {})
    checkLength(name, tensor)
    const spec = outputSpecs.find((stated) => stated.name === name)
    if (spec) checkSpec(spec, tensor, areShapesBinding ? symbols : undefined)
  }
}

/** As many values as the shape says; whole-number arithmetic, since nothing may round. */
function checkLength(name: string, { shape, data }: Tensor): void {
  let length = 1
  for (const dimension of shape) length *= dimension
  if (data.length === length) return
  throw invalid(name, `has ${data.length} values, and its shape [${shape.join(', ')}] is of ${length}`, { shape })
}

function checkSpec(spec: TensorSpec, tensor: Tensor, symbols: Symbols | undefined): void {
  const { name, dtype, shape } = spec
  if (tensor.dtype !== dtype) throw invalid(name, `must be ${dtype}, and is ${tensor.dtype}`, { dtype: tensor.dtype })
  // A graph that says nothing of an output's shape is read as one that gives a single number.
  if (symbols === undefined || shape.length === 0) return
  const came = `and is [${tensor.shape.join(', ')}]`
  const isOfRank = tensor.shape.length === shape.length
  if (!isOfRank || shape.some((length, axis) => typeof length === 'number' && length !== tensor.shape[axis])) {
    throw invalid(name, `must have the shape [${shape.join(', ')}], ${came}`, { shape: tensor.shape })
  }
  const other = noteSymbols(spec, tensor, symbols)
  if (other === undefined) return
  const problem = `must have the length ${other.length} in "${other.symbol}", as the tensor "${other.tensor}" has, ${came}`
  throw invalid(name, problem, { shape: tensor.shape })
}

/** ONNX Runtime has taken the inputs: a symbol of which they have several lengths says nothing. */
function noteInput(spec: TensorSpec, tensor: Tensor, symbols: Symbols): void {
  const note = () => noteSymbols(spec, tensor, symbols)
  for (let other = note(); other !== undefined; other = note()) symbols.set(other.symbol, 'any')
}

/** Notes what each symbol is in this tensor; returns the first one that was another length before. */
function noteSymbols(spec: TensorSpec, { shape }: Tensor, symbols: Symbols) {
  for (const [axis, symbol] of spec.shape.entries()) {
    const length = shape[axis]
    if (typeof symbol !== 'string' || length === undefined) continue
    const seen = symbols.get(symbol)
    if (seen === undefined) symbols.set(symbol, { length, tensor: spec.name })
    else if (seen !== 'any' && seen.length !== length) return { symbol, ...seen }
  }
  return undefined
}

function invalid(output: string, problem: string, details: Readonly<Record<string, unknown>>): EdgewardError {
  return new EdgewardError('OUTPUT_INVALID', `The output "${output}" ${problem}.`, { details: { output, ...details } })
}
