/** The browser tests' side of the watched endpoint. */
import { inject } from 'vitest'
import type { Behaviour, WatchedRequest } from './watched-endpoint.js'

export interface WatchedEndpoint {
  /** As `createClient` takes it. */
  readonly remote: { readonly protocol: 'oip'; readonly url: string }
  /** As placements have it. */
  readonly endpoint: string
  behave(behaviour: Behaviour): Promise<void>
  /** All requests that have come, oldest first. */
  requests(): Promise<readonly WatchedRequest[]>
  /** Those that ask for an inference. */
  inferences(): Promise<readonly WatchedRequest[]>
}

/** An endpoint of its own for a test, with the packed models. */
export function watchedEndpoint(): WatchedEndpoint {
  const url = `${inject('watchedEndpoints')}/${crypto.randomUUID()}`
  const requests = async () => (await (await fetch(`${url}/log`)).json()) as WatchedRequest[]
  return {
    remote: { protocol: 'oip', url },
    endpoint: url,
    requests,
    inferences: async () =>
      (await requests()).filter(({ method, path }) => method === 'POST' && path.endsWith('/infer')),
    async behave(behaviour) {
      await fetch(`${url}/behaviour`, { method: 'PUT', body: JSON.stringify(behaviour) })
    },
  }
}
