/** Vitest's global set-up of the browser projects: starts the file server; tells the tests its address, and models. */
import type { TestProject } from 'vitest/node'
import { startFileServer } from './file-server.js'
import { madeModels } from './made-models.js'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The base URL of the file server, without a slash at its end. */
    readonly fileServer: string
    readonly madeModels: ReturnType<typeof madeModels>
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startFileServer()
  project.provide('fileServer', server.url)
  project.provide('madeModels', madeModels())
  return () => server.stop()
}
