/** Reads the parts of a manifest that a task needs, and says which one is missing or wrong. */
import type { Graph, Manifest, TaskContext, TensorSpec } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'

/** A `MANIFEST_INVALID` error about `manifest`. */
export function manifestInvalid(manifest: Manifest, problem: string, cause?: unknown): EdgewardError {
  return new EdgewardError('MANIFEST_INVALID', `The manifest of "${manifest.id}" ${problem}.`, { cause })
}

/** The graph called `name` if the model has one. All variants take and give the same tensors: the first one speaks. */
export function findGraph(manifest: Manifest, name: string): Graph | undefined {
  const { graphs } = manifest.variants[0]
  return Object.hasOwn(graphs, name) ? graphs[name] : undefined
}

/** The graph called `name`. */
export function graphNamed(manifest: Manifest, name: string): Graph {
  const graph = findGraph(manifest, name)
  if (graph !== undefined) return graph
  const found = Object.keys(manifest.variants[0].graphs).join('", "')
  throw manifestInvalid(manifest, `has no graph "${name}", which the task "${manifest.task}" runs; it has "${found}"`)
}

/** The one tensor in a list of a graph's inputs or outputs. */
export function onlyOne(manifest: Manifest, graph: string, specs: readonly TensorSpec[]): TensorSpec {
  const [spec] = specs
  if (spec !== undefined && specs.length === 1) return spec
  throw manifestInvalid(manifest, `must give the graph "${graph}" one input and one output`)
}

/** An asset's text. */
export async function readText(context: Pick<TaskContext, 'asset'>, role: string): Promise<string> {
  return new TextDecoder().decode(await context.asset(role))
}

/** An asset's JSON, which must be an object. */
export async function readJson(context: Pick<TaskContext, 'manifest' | 'asset'>, role: string): Promise<object> {
  const text = await readText(context, role)
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value
  } catch (cause) {
    throw manifestInvalid(context.manifest, `has the asset "${role}", which is not JSON`, cause)
  }
  throw manifestInvalid(context.manifest, `has the asset "${role}", which must be a JSON object`)
}
