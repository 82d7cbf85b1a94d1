/** A real HTTP server in front of the reference endpoint: writes down every request, and is slow, silent or down on command. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { decodeInferRequest } from '../../../packages/sdk/src/oip.js'

/** How the endpoint behaves; as the one behind it, unless something is said. */
export interface Behaviour {
  /** Answers so much later. */
  readonly delayMs?: number
  /** Accepts requests and never answers. */
  readonly isSilent?: boolean
  /** Answers with this status alone. */
  readonly status?: number
}

/** What the server remembers of a request, preflights included. */
export interface WatchedRequest {
  readonly method: string
  /** Below the endpoint's address. */
  readonly path: string
  /** What was left of the deadline, as the request's parameters say. */
  readonly timeoutMs?: number
  /** Whether the browser closed the connection before it was answered. */
  isAbandoned: boolean
}

interface Watched {
  behaviour: Behaviour
  readonly log: WatchedRequest[]
}

/** `/<id>/v2/…` is an endpoint, `PUT /<id>/behaviour` and `GET /<id>/log` are the test's doors to it. */
export async function startWatchedEndpoint(target: string): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const all = new Map<string, Watched>()
  const server = createServer((request, response) => {
    answer(request, response, target, all).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : new Error(String(error)))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A server that listens on a port has an address with a port.
  const { port } = server.address() as AddressInfo
  const stop = () =>
    new Promise<void>((resolve, reject) => {
      server.close((error) => (error ? reject(error) : resolve()))
      server.closeAllConnections()
    })
  return { url: `http://127.0.0.1:${port}`, stop }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  target: string,
  all: Map<string, Watched>,
): Promise<void> {
  const [, id = '', path = ''] = /^\/([^/]+)(\/.*)$/.exec(request.url ?? '') ?? []
  const watched = all.get(id) ?? { behaviour: {}, log: [] }
  all.set(id, watched)
  response.setHeader('Access-Control-Allow-Origin', '*')
  response.setHeader('Access-Control-Allow-Headers', '*')
  response.setHeader('Access-Control-Allow-Methods', '*')
  response.setHeader('Access-Control-Expose-Headers', '*')
  if (path === '/log') return void response.end(JSON.stringify(watched.log))
  if (path === '/behaviour' && request.method === 'PUT') {
    // Only this project's tests set it, through the typed client beside this file.
    watched.behaviour = JSON.parse((await buffer(request)).toString()) as Behaviour
    return void response.writeHead(204).end()
  }
  if (path === '/behaviour') return void response.writeHead(204).end()
  const body = new Uint8Array(await buffer(request))
  const logged: WatchedRequest = {
    method: request.method ?? '',
    path,
    ...deadlineIn(request, body),
    isAbandoned: false,
  }
  watched.log.push(logged)
  response.on('close', () => (logged.isAbandoned = !response.writableFinished))
  await behave(watched.behaviour, request, response, body, target + path)
}

async function behave(
  { delayMs = 0, isSilent, status }: Behaviour,
  request: IncomingMessage,
  response: ServerResponse,
  body: Uint8Array<ArrayBuffer>,
  url: string,
): Promise<void> {
  if (request.method === 'OPTIONS') return void response.writeHead(204).end()
  if (isSilent) return
  await sleep(delayMs)
  if (status !== undefined) return void response.writeHead(status).end()
  const answered = await fetch(url, {
    method: request.method ?? 'GET',
    headers: passedOn(request),
    ...(body.length > 0 && { body }),
  })
  const headers = [...answered.headers].filter(([name]) => !hopByHop.test(name))
  response.writeHead(answered.status, Object.fromEntries(headers)).end(Buffer.from(await answered.arrayBuffer()))
}

/** Of one connection; and this server's own CORS. */
const hopByHop = /^(connection|keep-alive|transfer-encoding|content-length|content-encoding|access-control-.*)$/

function passedOn({ headers }: IncomingMessage): Headers {
  const passed = new Headers()
  for (const name of ['content-type', 'inference-header-content-length', 'endpoint-load-metrics-format']) {
    const value = headers[name]
    if (typeof value === 'string') passed.set(name, value)
  }
  return passed
}

function deadlineIn({ headers, url }: IncomingMessage, body: Uint8Array<ArrayBuffer>): { timeoutMs?: number } {
  if (!url?.endsWith('/infer') || body.length === 0) return {}
  const jsonBytes = headers['inference-header-content-length']
  const { timeoutMs } = decodeInferRequest(body, jsonBytes === undefined ? undefined : Number(jsonBytes))
  return timeoutMs === undefined ? {} : { timeoutMs }
}
