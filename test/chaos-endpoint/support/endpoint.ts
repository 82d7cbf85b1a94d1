/** The real command `edgeward serve` in a process of its own, with copies of the packed models that a test may damage. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished, vi } from 'vitest'

const root = fileURLToPath(new URL('../../..', import.meta.url))

export type ModelId = 'tiny-mlp' | 'all-minilm-l6-v2' | 'echo-string'

/** A models folder of the test's own, as the packing tool writes it. */
export async function copyModels(...ids: readonly ModelId[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'edgeward-chaos-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  for (const id of ids) await cp(join(root, '.models', id), join(folder, id), { recursive: true })
  return folder
}

export interface Endpoint {
  readonly url: string
  readonly port: number
  readonly pid: number
  /** Sends a signal. */
  readonly kill: (signal: NodeJS.Signals) => void
  /** The exit code, or the signal that ended the process. */
  readonly ended: Promise<number | NodeJS.Signals | null>
  readonly hasEnded: () => boolean
  /** What the log says so far. */
  readonly log: () => string
  /** Resident memory in bytes. */
  readonly residentBytes: () => number
}

/** Starts the endpoint, waits until it answers, and kills it with the test. */
export async function startEndpoint(
  models: string,
  args: readonly string[] = [],
  nodeArgs: readonly string[] = [],
): Promise<Endpoint> {
  const command = ['serve', '--models', models, '--port', '0', '--log-level', 'warn', ...args]
  const cli = join(root, 'packages/server/dist/cli.js')
  const child = spawn(process.execPath, [...nodeArgs, cli, ...command], { stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let out = ''
  let log = ''
  let hasEnded = false
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals | null)
  void ended.then(() => (hasEnded = true))
  const url = await vi.waitUntil(() => /http:\/\/127\.0\.0\.1:\d+/.exec(out)?.[0], { timeout: 60_000 })
  const pid = child.pid ?? 0
  return {
    url,
    port: Number(new URL(url).port),
    pid,
    kill: (signal) => void child.kill(signal),
    ended,
    hasEnded: () => hasEnded,
    log: () => log,
    residentBytes: () => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024,
  }
}
