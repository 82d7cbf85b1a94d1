/** Checks what an endpoint gave against what the manifest says of the graph: an answer that is no such thing is none. */
import type { Manifest, Tensor, TensorMap, TensorSpec } from '../../contract/index.js'
import { EdgewardError } from '../../errors/index.js'

/**
 * Makes sure of the outputs' names, dtypes, ranks and fixed dimensions. Which variant the endpoint has is unknown: what fits
 * one of them is right.
 *
 * @param wanted - the outputs that were asked for, which are there; absent: all
 * @throws EdgewardError `REMOTE_MALFORMED`
 */
export function checkAnswer(manifest: Manifest, graph: string, outputs: TensorMap, wanted?: readonly string[]): void {
  // Exporters write shapes that their own models do not keep; the packing tool has run them.
  const areShapesBinding = !/^(hf|local):/.test(manifest.id)
  const [first, ...others] = manifest.variants.map(({ graphs }) => graphs[graph]?.outputs ?? [])
  const stated = (first ?? []).concat(...others)
  for (const { name } of wanted ? [] : (first ?? [])) {
    if (!Object.hasOwn(outputs, name)) throw malformed(name, 'is missing')
  }
  for (const [name, tensor] of Object.entries(outputs)) {
    const specs = stated.filter((spec) => spec.name === name)
    if (specs.length === 0 || specs.some((spec) => fits(tensor, spec, areShapesBinding))) continue
    const possible = [...new Set(specs.map(({ dtype, shape }) => describe(dtype, shape)))].join(' or ')
    throw malformed(name, `is ${describe(tensor.dtype, tensor.shape)}, but the manifest says ${possible}`)
  }
}

function fits({ dtype, shape }: Tensor, spec: TensorSpec, areShapesBinding: boolean): boolean {
  // A graph that says nothing of an output's shape is read as one that gives a single number.
  if (dtype !== spec.dtype || !areShapesBinding || spec.shape.length === 0) return dtype === spec.dtype
  const isOfRank = shape.length >= spec.shape.length
  return isOfRank && shape.every((size, axis) => isOf(size, spec.shape[axis]))
}

/** @param stated - absent: beyond the graph's rank, where MLServer's codecs put a 1 */
function isOf(size: number, stated: number | string = 1): boolean {
  return typeof stated === 'string' || size === stated
}

function describe(dtype: string, shape: readonly (number | string)[]): string {
  return `${dtype} [${shape.join(', ')}]`
}

function malformed(output: string, problem: string): EdgewardError {
  return new EdgewardError('REMOTE_MALFORMED', `the endpoint's output '${output}' ${problem}`, { details: { output } })
}
