/** A real HTTP server whose addresses say how it answers: every deployment mistake that the doctor is to find. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'

/** How the server answers below an address. */
export interface Told {
  /** 200, when absent. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Whether it knows `Range`. */
  readonly ranges?: boolean
  /** Whether pages of other origins may read the answer; request headers that they may send. */
  readonly cors?: boolean
  readonly allowHeaders?: string
  /** What it sends; for gzip, compressed. */
  readonly text?: string
  /** The connection ends after so many bytes of the body. */
  readonly cutAt?: number
  /** How the body's length is told, where it is cut: `length` when absent. */
  readonly framing?: 'length' | 'chunked' | 'none'
}

/** `/told/<JSON, as one path segment>/…`. */
export async function startToldServer(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const server = createServer((request, response) => answerAsTold(request.url?.replace('/told', ''), request, response))
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

/** @param address - `/<JSON, as one path segment>/…` */
export function answerAsTold(address = '/', request: IncomingMessage, response: ServerResponse): void {
  const [, text = '{}'] = address.split('/')
  // Only this project's tests make such addresses.
  const told = JSON.parse(decodeURIComponent(text)) as Told
  const { status = 200, headers = {}, ranges = false, cors = true, allowHeaders = '*', text: sent = 'x' } = told
  response.setHeader('Cross-Origin-Resource-Policy', 'cross-origin')
  if (cors) {
    response.setHeader('Access-Control-Allow-Origin', '*')
    response.setHeader('Access-Control-Expose-Headers', 'Content-Encoding')
    response.setHeader('Access-Control-Allow-Headers', allowHeaders)
  }
  if (request.method === 'OPTIONS') {
    response.writeHead(204).end()
    return
  }
  const isPart = ranges && request.headers.range !== undefined
  response.statusCode = isPart ? 206 : status
  for (const [name, value] of Object.entries(isPart ? { 'Content-Range': 'bytes 0-0/9' } : headers)) {
    response.setHeader(name, value)
  }
  const body = headers['Content-Encoding'] === 'gzip' ? gzipSync(sent) : Buffer.from(sent)
  if (told.cutAt === undefined) response.end(body)
  else cut(response, body, told)
}

function cut(response: ServerResponse, body: Buffer, { cutAt, framing = 'length' }: Told): void {
  if (framing === 'length') response.setHeader('Content-Length', body.length)
  // Then the end of the connection is the end of the body.
  if (framing === 'none') response.useChunkedEncodingByDefault = false
  response.write(body.subarray(0, cutAt), () => response.destroy())
}
