/** Starts the built endpoint for one test, with models made for it, and ends it with the test. */
import { Writable } from 'node:stream'
import { createServer, type ServerOptions } from '@edgeward/server'
import { onTestFinished } from 'vitest'
import { broken, everyDtype, gather, makeModelsFolder, pair, slow, tinyMlp } from './test-models.js'

export interface StartedServer {
  readonly app: Awaited<ReturnType<typeof createServer>>
  /** Base address, without a slash at its end. */
  readonly url: string
  readonly folder: string
  /** Every entry of the log so far. */
  readonly log: readonly Record<string, unknown>[]
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>
  infer(model: string, message: unknown): Promise<Response>
}

/** Listens on a free port of the loopback interface. */
export async function startServer(options: Partial<ServerOptions> = {}): Promise<StartedServer> {
  const models = await makeModelsFolder({
    'tiny-mlp': { model: await tinyMlp() },
    every: { model: everyDtype },
    pair: { model: pair },
    slow: { model: slow },
    gather: { model: gather },
    broken: { model: broken },
    several: { first: pair, second: pair },
  })
  onTestFinished(models.remove)
  const log: Record<string, unknown>[] = []
  const logStream = new Writable({
    write(line: Buffer, _encoding, done) {
      log.push(JSON.parse(line.toString()) as Record<string, unknown>)
      done()
    },
  })
  const app = await createServer({
    modelsFolder: models.folder,
    logFormat: 'json',
    logLevel: 'debug',
    logStream,
    shutdownGraceMs: 0,
    ...options,
  })
  onTestFinished(() => app.close())
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(url + path, {
      method: 'POST',
      body: typeof body === 'string' ? body : body instanceof Uint8Array ? Buffer.from(body) : JSON.stringify(body),
      headers,
    })
  const infer = (model: string, message: unknown) => post(`/v2/models/${model}/infer`, message)
  return { app, url, folder: models.folder, log, post, infer }
}

/** A request of `slow` that keeps a session busy for roughly `size`³ / 10⁹ · 0.1 s. */
export function slowRequest(size: number) {
  return { inputs: [{ name: 'size', datatype: 'INT64', shape: [2], data: [size, size] }] }
}

/** A request of `tiny-mlp` for one row. */
export function mlpRequest(row: readonly number[]) {
  return { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: row }] }
}

/** What the endpoint says of itself; polled, because a queue tells nobody that it has grown. */
export async function metric(url: string, name: string, labels: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name}{${labels}}`))
  return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(' ') + 1))
}
