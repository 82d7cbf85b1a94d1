/** The command, as people start it: in a process of its own. */
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { metric, slowRequest } from './support/start-server.js'
import { makeModelsFolder, slow } from './support/test-models.js'

const cli = fileURLToPath(new URL('../../../packages/server/dist/cli.js', import.meta.url))

interface Started {
  readonly child: ChildProcessByStdio<null, Readable, Readable>
  readonly out: () => string
  readonly err: () => string
  readonly ended: Promise<number | null>
}

function start(args: readonly string[]): Started {
  const child = spawn(process.execPath, [cli, 'serve', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const texts = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => (texts.out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (texts.err += chunk.toString()))
  const ended = once(child, 'close').then(([code]) => code as number | null)
  return { child, out: () => texts.out, err: () => texts.err, ended }
}

async function startReady(args: readonly string[] = []) {
  const models = await makeModelsFolder({ slow: { model: slow } })
  onTestFinished(models.remove)
  const started = start(['--models', models.folder, '--port', '0', ...args])
  const url = await vi.waitUntil(() => /http:\/\/127\.0\.0\.1:\d+/.exec(started.out() + started.err())?.[0], 20_000)
  return { ...started, url }
}

async function busyPort(): Promise<{ server: Server; port: number }> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const address = server.address()
  return { server, port: typeof address === 'object' ? (address?.port ?? 0) : 0 }
}

describe('edgeward serve', () => {
  it('says where it is in one line, once it answers', async () => {
    const { out, url } = await startReady()
    expect(out()).toBe(`Edgeward endpoint ready at ${url}\n`)
    expect((await fetch(`${url}/v2/health/ready`)).status).toBe(200)
  })

  it('takes the next free port when the wanted one is busy, and says so', async () => {
    const { port } = await busyPort()
    const { out, url } = await startReady(['--port', String(port)])
    expect(Number(new URL(url).port)).toBeGreaterThan(port)
    expect(out()).toContain(`(port ${port} is busy)`)
  })

  it('writes nothing but JSON when the log is JSON', async () => {
    const { out, err, url, child, ended } = await startReady(['--log-format', 'json'])
    await fetch(`${url}/v2`)
    child.kill('SIGINT')
    expect(await ended).toBe(0)
    expect(out()).toBe('')
    const entries = err()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(entries).toContainEqual(expect.objectContaining({ url, msg: 'ready' }))
    expect(entries).toContainEqual(expect.objectContaining({ path: '/v2', status: 200 }))
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('on %s finishes what runs, and ends well', async (signal) => {
    const { url, child, ended, err } = await startReady()
    const answer = fetch(`${url}/v2/models/slow/infer`, { method: 'POST', body: JSON.stringify(slowRequest(1200)) })
    await vi.waitUntil(async () => (await metric(url, 'edgeward_requests_running', 'model="slow"')) === 1)

    child.kill(signal)

    expect((await answer).status).toBe(200)
    expect(await ended).toBe(0)
    expect(err()).toContain('POST /v2/models/slow/infer 200')
  })

  it.each<[string[], string]>([
    [['--models', '/nowhere/at/all'], '/nowhere/at/all'],
    [['--ports', '1'], '--ports'],
  ])('refuses %o with one line and exit code 1', async (args, reason) => {
    const { ended, err, out } = start(args)
    expect(await ended).toBe(1)
    expect(err()).toContain(reason)
    expect(err().trim().split('\n')).toHaveLength(1)
    expect(out()).toBe('')
  })

  it('explains itself', async () => {
    const { ended, out } = start(['--help'])
    expect(await ended).toBe(0)
    expect(out()).toContain('--max-queued-requests')
  })
})
