/** A real HTTP server that takes OTLP in JSON as a collector does, keeps it, and refuses what it is told to refuse. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request for traces, as it came. */
export interface ReceivedPost {
  readonly contentType: string | null
  readonly authorization: string | null
  readonly body: unknown
}

/**
 * `POST /v1/traces/NAME` takes traces, `GET /received/NAME` gives them back. `?refuse=503,429` is how the first requests of a
 * name end; with `retryAfter`, they say so.
 */
export async function startCollector(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const received = new Map<string, ReceivedPost[]>()
  const attempts = new Map<string, number>()
  const server = createServer((request, response) => {
    answer(received, attempts, request, response).catch((error: unknown) => {
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
  received: Map<string, ReceivedPost[]>,
  attempts: Map<string, number>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
  const name = pathname.split('/').at(-1) ?? ''
  allowOrigin(request, response)
  if (request.method === 'GET') {
    response.end(JSON.stringify({ posts: received.get(name) ?? [], attempts: attempts.get(name) ?? 0 }))
    return
  }
  if (request.method !== 'POST') {
    response.writeHead(204).end()
    return
  }
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  const attempt = attempts.get(name) ?? 0
  attempts.set(name, attempt + 1)
  const refusal = searchParams.get('refuse')?.split(',')[attempt]
  if (refusal !== undefined) {
    const retryAfter = searchParams.get('retryAfter')
    response.writeHead(Number(refusal), retryAfter === null ? {} : { 'Retry-After': retryAfter }).end()
    return
  }
  const { 'content-type': contentType = null, authorization = null } = request.headers
  const body: unknown = JSON.parse(Buffer.concat(parts).toString())
  received.set(name, [...(received.get(name) ?? []), { contentType, authorization, body }])
  response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}')
}

/** A beacon is sent with credentials, for which `*` is not enough; collectors answer so. */
function allowOrigin(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('Access-Control-Allow-Origin', request.headers.origin ?? '*')
  response.setHeader('Access-Control-Allow-Credentials', 'true')
  response.setHeader('Access-Control-Allow-Headers', 'authorization, content-type')
  response.setHeader('Access-Control-Expose-Headers', 'Retry-After')
  response.setHeader('Cross-Origin-Resource-Policy', 'cross-origin')
}
