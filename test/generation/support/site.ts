/** The site of the hand-over trials: a blank isolated page, the SDK as it is shipped, and the packed models, of which one variant is told. */
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import type { Manifest, VariantDtype } from 'edgeward'
import { fromRoot } from '../../../scripts/lib/root.mjs'

export interface Server {
  readonly url: string
  close(): Promise<void>
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
}

const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Accept-Ranges': 'bytes',
}

/** @param dtype - the only variant of language models that manifests tell of */
export function startSite(dtype: VariantDtype): Promise<Server> {
  const folders: Readonly<Record<string, string>> = {
    sdk: fromRoot('packages/sdk/dist'),
    models: fromRoot('.models'),
    pages: fromRoot('test/generation/pages'),
  }
  return listen(async ({ url = '/', headers: { range } }, response) => {
    const { pathname } = new URL(url, 'http://localhost')
    const [, folder = '', rest = ''] = /^\/([^/]+)\/(.+)$/.exec(path.posix.normalize(pathname)) ?? []
    const root = folders[folder]
    if (root === undefined) {
      send(response, '.html', Buffer.from('<!doctype html><title>Hand-over</title>'))
      return
    }
    const file = path.join(root, rest)
    if (folder === 'models' && rest.endsWith('manifest.json')) {
      send(response, '.json', Buffer.from(JSON.stringify(withOnly(dtype, await readFile(file, 'utf8')))))
      return
    }
    await sendFile(response, file, range)
  })
}

/** Starts a server on a port of its own; what `answer` throws is a 404. */
export async function listen(
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<Server> {
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.writeHead(404, headers).end())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // It listens on a port, not on a pipe.
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function withOnly(dtype: VariantDtype, text: string): object {
  const manifest = JSON.parse(text) as Manifest // The packing tool made it.
  return { ...manifest, variants: manifest.variants.filter((variant) => variant.dtype === dtype) }
}

function send(response: ServerResponse, extension: string, body: Buffer): void {
  const type = types[extension] ?? 'application/octet-stream'
  response.writeHead(200, { ...headers, 'Content-Type': type, 'Content-Length': body.length }).end(body)
}

async function sendFile(response: ServerResponse, file: string, range: string | undefined): Promise<void> {
  const { size } = await stat(file)
  const [first = 0, last = size - 1] = (/^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? []).slice(1).map(Number)
  const end = Math.min(last, size - 1)
  response.writeHead(range === undefined ? 200 : 206, {
    ...headers,
    'Content-Type': types[path.extname(file)] ?? 'application/octet-stream',
    'Content-Length': end - first + 1,
    ...(range !== undefined && { 'Content-Range': `bytes ${first}-${end}/${size}` }),
  })
  createReadStream(file, { start: first, end }).pipe(response)
}
