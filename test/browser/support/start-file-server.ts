/** Vitest's global set-up of the browser projects: starts the file server and tells the tests its address. */
import type { TestProject } from 'vitest/node'
import { startFileServer } from './file-server.js'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The base URL of the file server, without a slash at its end. */
    readonly fileServer: string
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startFileServer()
  project.provide('fileServer', server.url)
  return () => server.stop()
}
