/** Asks ONNX Runtime what a graph takes and gives, makes its canary, and checks it on the backend it is for. */
import { compareCanary, type Backend, type Canary, type TensorSpec, type VariantDtype } from 'edgeward/manifest'
import { canaryTensors, makeCanary } from './canary.js'
import { openNatively } from './native-graph.js'
import type { GraphPlace, OpenGraph } from './open-graph.js'
import { messageOf, PackError } from './pack-error.js'
import type { RecipeCanary } from './recipe.js'
import { keptShapes } from './stated-shapes.js'
import { runOnWasm } from './wasm-graph.js'

export interface GraphFacts {
  readonly inputs: readonly TensorSpec[]
  readonly outputs: readonly TensorSpec[]
  readonly canary?: Canary
}

export interface ExamineOptions {
  readonly place: GraphPlace
  readonly dtype: VariantDtype
  readonly backends: readonly Backend[]
  readonly canary: RecipeCanary | undefined
  /** The fp32 graph from which its canary is made; nothing when there is none, or when it is this graph. */
  readonly fp32: GraphPlace | undefined
  /** Told how a canary was checked: on WASM, or not at all since the variant is for other backends. */
  readonly onCheck: (checkedOn: 'wasm' | undefined) => void
}

/** @throws {PackError} when ONNX Runtime cannot load or run it, or when it computes wrongly on WASM. */
export async function examineGraph(options: ExamineOptions): Promise<GraphFacts> {
  const { place, backends, canary, onCheck } = options
  const facts = await withGraph(place, async (graph) => {
    const specs = { inputs: graph.inputs, outputs: graph.outputs }
    if (canary === undefined) return specs
    const made = await makeFromReference(graph, canary, options)
    return { ...specs, outputs: keptShapes(specs, made), canary: made }
  })
  if (!('canary' in facts)) return facts
  const isForWasm = backends.includes('wasm')
  if (isForWasm) await checkOnWasm(place, facts.canary)
  onCheck(isForWasm ? 'wasm' : undefined)
  return facts
}

async function makeFromReference(graph: OpenGraph, canary: RecipeCanary, options: ExamineOptions): Promise<Canary> {
  const { place, dtype, fp32 } = options
  const shared = { canary, dtype, outputs: graph.outputs.map(({ name }) => name), where: place.where }
  const make = (reference: OpenGraph, madeFrom: VariantDtype) =>
    makeCanary({ ...shared, reference, madeFrom }).catch((error: unknown) => {
      if (error instanceof PackError) throw error
      throw new PackError(`${place.where}: the canary did not run: ${messageOf(error)}`, { cause: error })
    })
  return fp32 ? withGraph(fp32, (reference) => make(reference, 'fp32')) : make(graph, dtype)
}

async function withGraph<T>(place: GraphPlace, work: (graph: OpenGraph) => Promise<T>): Promise<T> {
  const graph = await openNatively(place)
  try {
    return await work(graph)
  } finally {
    await graph.release()
  }
}

async function checkOnWasm(place: GraphPlace, canary: Canary): Promise<void> {
  const mismatch = compareCanary(canary, await runOnWasm(place, canaryTensors(canary.inputs)))
  if (mismatch === undefined) return
  const { output, what } = mismatch
  const hint =
    canary.madeFrom === 'fp32'
      ? 'Do not ship a variant that is so far from the fp32 model; if it is meant to be, state its tolerance in the recipe.'
      : 'What it should be was run natively, and native int8 saturates on some processors: give the recipe an fp32 variant or a canarySource.'
  throw new PackError(
    `${place.where}: on WASM its canary's output ${output} ${what} (made from ${canary.madeFrom ?? 'itself'}). ${hint}`,
  )
}
