/** The names that a manifest's graphs have at an endpoint. */
import type { Manifest } from '../../contract/index.js'

/**
 * The name of a graph's model at an endpoint: a model with one graph, `model`, is named by its id; with several, each
 * graph is a model of its own, named `<id>.<graph>`.
 */
export function endpointModelName(manifest: Pick<Manifest, 'id' | 'variants'>, graph: string): string {
  const isOnly = graph === 'model' && Object.keys(manifest.variants[0].graphs).length === 1
  return isOnly ? manifest.id : `${manifest.id}.${graph}`
}
