/** Edgeward's endpoint with the packed models, in a process of its own as it is deployed. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fromRoot } from '../../../scripts/lib/root.mjs'
import type { Server } from './site.js'

export async function startEndpointProcess(): Promise<Server> {
  const cli = fromRoot('packages/server/dist/cli.js')
  const args = [cli, 'serve', '--models', fromRoot('.models'), '--port', '0', '--log-level', 'warn']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const close = async () => {
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    await ended
  }
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /http:\/\/\S+/.exec(line)?.[0]
    if (url !== undefined) return { url, close }
  }
  throw new Error('the endpoint ended before it said where it is')
}
