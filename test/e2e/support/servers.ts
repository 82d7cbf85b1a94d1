/**
 * Two small servers beside the demo's own. They are real ones: Chromium keeps a page that a test makes up (with
 * `route.fulfill`) away from servers on this machine.
 */
import { createReadStream, existsSync } from 'node:fs'
import { createServer, request as httpRequest, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { fromRoot } from '../../../scripts/lib/root.mjs'

export interface TestServer {
  readonly url: string
  close(): Promise<void>
}

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
}

/** As the demo's own page is: cross-origin isolated. */
const isolation = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }

/** A server of another origin that offers the SDK's built files to every page, as a CDN does. */
export function serveSdkElsewhere(): Promise<TestServer> {
  const dist = fromRoot('packages/sdk/dist')
  return listen((request, response) => {
    const file = path.join(dist, path.normalize(new URL(request.url ?? '/', 'http://localhost').pathname))
    const type = types[path.extname(file)]
    if (type === undefined || !existsSync(file)) return response.writeHead(404).end()
    response.writeHead(200, {
      'Content-Type': type,
      'Access-Control-Allow-Origin': '*',
      'Cross-Origin-Resource-Policy': 'cross-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp',
    })
    return createReadStream(file).pipe(response)
  })
}

/** What a server in front of the demo changes. */
export interface Front {
  /** Added to the answer for the page at `/`. */
  readonly pageHeaders?: Readonly<Record<string, string>>
  /** An HTML page that stands at `/` instead of the demo's. */
  readonly page?: string
}

/** The demo behind a server that changes its page; everything else comes from the demo as it is. */
export function serveInFrontOf(demoUrl: string, { pageHeaders = {}, page }: Front): Promise<TestServer> {
  return listen((request, response) => {
    const { method, headers, url = '/' } = request
    if (url === '/' && page !== undefined) {
      return response.writeHead(200, { 'Content-Type': 'text/html', ...isolation, ...pageHeaders }).end(page)
    }
    const forwarded = httpRequest(new URL(url, demoUrl), { method, headers }, (answer) => {
      const added = url === '/' ? pageHeaders : {}
      answer.pipe(response.writeHead(answer.statusCode ?? 502, { ...answer.headers, ...added }))
    })
    forwarded.on('error', () => response.destroy())
    return request.pipe(forwarded)
  })
}

/** A server as it is, and as far away as an answer's delay says. */
export function serveFarAway(url: string, delayMs: number): Promise<TestServer> {
  return listen((request, response) => {
    const { method, headers, url: path = '/' } = request
    const forwarded = httpRequest(new URL(path, url), { method, headers }, (answer) => {
      setTimeout(() => answer.pipe(response.writeHead(answer.statusCode ?? 502, answer.headers)), delayMs)
    })
    forwarded.on('error', () => response.destroy())
    request.pipe(forwarded)
  })
}

/** A server on a port of its own. */
export async function listen(listener: RequestListener): Promise<TestServer> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  const { port } = server.address() as AddressInfo // It listens on a port, not on a pipe.
  return {
    url: `http://localhost:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
