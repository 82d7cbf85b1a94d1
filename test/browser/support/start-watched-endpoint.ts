/** Vitest's global set-up of the browser projects: starts the watched endpoint, in front of the one that was started before. */
import type { TestProject } from 'vitest/node'
import { startWatchedEndpoint } from './watched-endpoint.js'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The base URL of the watched endpoints, without a slash at its end. */
    readonly watchedEndpoints: string
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startWatchedEndpoint(project.getProvidedContext().endpoint)
  project.provide('watchedEndpoints', server.url)
  return () => server.stop()
}
