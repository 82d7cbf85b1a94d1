/** Vitest's global set-up of the browser projects: starts the real reference endpoint and tells the tests its address. */
import type { TestProject } from 'vitest/node'
import { createServer } from '@edgeward/server'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The reference endpoint's address, with the packed models behind it. */
    readonly endpoint: string
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await createServer({ modelsFolder: '.models', logLevel: 'silent' })
  project.provide('endpoint', await server.listen({ host: '127.0.0.1', port: 0 }))
  return () => server.close()
}
