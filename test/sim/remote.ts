/** One request of a visit to the endpoint, without a second try. */
import type { VisitParts } from './replay.js'

/** `cut`: there was no network. */
export type RemoteOutcome = 'answered' | 'refused' | 'cut'

export async function askEndpoint(
  { endpoint, link, visit, device }: VisitParts,
  tokens: number,
  signal: AbortSignal,
): Promise<RemoteOutcome> {
  const served: boolean[] = []
  const isReady = device.readiness('webgpu') === 'ready' || device.readiness('wasm') === 'ready'
  const serve = async () => void served.push(await endpoint.serve(visit.model, tokens, isReady))
  const came = await link.travel(serve, signal)
  if (!came) return 'cut'
  return served[0] === true ? 'answered' : 'refused'
}
