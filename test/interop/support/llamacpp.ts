/** llama.cpp's own server, from PyPI, with the packed SmolLM2. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { pythonWith } from './python.js'

const version = '2026.10.11549'
const script = fileURLToPath(new URL('llamacpp_server.py', import.meta.url))
const packed = fileURLToPath(new URL('../../../.models/smollm2-135m-instruct/model.gguf', import.meta.url))

export interface RunningServer {
  readonly url: string
  stop(): Promise<void>
}

/** Starts a server that calls its model `name`. The file is `EDGEWARD_GGUF`, or else what the recipe packs. */
export async function startLlamaCpp(name: string): Promise<RunningServer> {
  const model = process.env['EDGEWARD_GGUF'] ?? packed
  if (!existsSync(model)) throw new Error(`${model} is missing: npm run models packs it`)
  const python = await pythonWith(`xllamacpp-${version}`, [`xllamacpp==${version}`])
  const server = spawn(python, [script, model, name], { stdio: ['pipe', 'pipe', 'pipe'] })
  let log = ''
  server.stderr.on('data', (data: Buffer) => (log = (log + data.toString()).slice(-4000)))
  const ended = new Promise<void>((resolve) => server.once('close', () => resolve()))
  const url = await new Promise<string>((resolve, reject) => {
    createInterface(server.stdout).once('line', (line) => resolve((JSON.parse(line) as { url: string }).url))
    void ended.then(() => reject(new Error(`llama.cpp did not start: ${log}`)))
  })
  return {
    url,
    async stop() {
      // It has nothing to save, and its threads may be at work.
      server.kill('SIGKILL')
      await ended
    },
  }
}
