/** Vitest's global set-up of the browser projects: a collector of traces, and a server that is deployed as it is told. */
import type { TestProject } from 'vitest/node'
import { startCollector } from './collector-server.js'
import { startToldServer } from './told-server.js'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The base URLs of both, without a slash at their ends. */
    readonly collector: string
    readonly toldServer: string
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [collector, told] = await Promise.all([startCollector(), startToldServer()])
  project.provide('collector', collector.url)
  project.provide('toldServer', told.url)
  return async () => {
    await Promise.all([collector.stop(), told.stop()])
  }
}
