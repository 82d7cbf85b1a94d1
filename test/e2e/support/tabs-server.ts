/** A server with a page that runs a model; it can hold weights back, and remembers what was asked for. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { fromRoot } from '../../../scripts/lib/root.mjs'
import { listen, type TestServer } from './servers.js'

/** A request for a part of a model's file. */
export interface WeightsRequest {
  readonly file: string
  readonly range: string
  /** False while it is held back. */
  isAnswered: boolean
}

export interface TabsServer extends TestServer {
  readonly weights: WeightsRequest[]
  /** Answers so many requests for a file and holds the later ones back, until `release()`. */
  hold(file: string, after: number): void
  release(): void
}

/** `start()` runs the model; `progress` is the last that the page heard of the download, `reasons` what it heard of storage. */
const page = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Tabs</title>
<script type="module">
  import { createClient } from '/sdk/index.js'
  const edge = createClient({ models: '/models/' })
  window.progress = { loadedBytes: 0, cachedBytes: 0, totalBytes: 0 }
  edge.on('download', (progress) => (window.progress = progress))
  window.edge = edge
  window.reasons = []
  edge.on('storage', ({ model, reason }) => reasons.push(model + ': ' + reason))
  window.start = async () => {
    const { output, placement } = await edge.pipeline('feature-extraction', 'all-minilm-l6-v2')(['one download'])
    return { dimensions: output[0].length, engine: placement.engine }
  }
</script></html>`

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
}

export async function serveTabs(): Promise<TabsServer> {
  const weights: WeightsRequest[] = []
  const held: (() => void)[] = []
  let holding: { readonly file: string; readonly after: number } | undefined

  /** Resolves when the request may be answered. */
  const admit = async (request: WeightsRequest): Promise<void> => {
    weights.push(request)
    const count = weights.filter(({ file }) => file === request.file).length
    if (holding?.file === request.file && count > holding.after)
      await new Promise<void>((resolve) => held.push(resolve))
    request.isAnswered = true
  }

  const server = await listen((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    const answer = async () => {
      const bytes = pathname === '/' ? Buffer.from(page) : await readFile(locate(pathname))
      const range = request.headers.range ?? 'all'
      const isWeights = pathname.startsWith('/models/') && !pathname.endsWith('/manifest.json')
      if (isWeights) await admit({ file: path.basename(pathname), range, isAnswered: false })
      const type = types[pathname === '/' ? '.html' : path.extname(pathname)] ?? 'application/octet-stream'
      const [first, last] = /^bytes=(\d+)-(\d+)$/.exec(range)?.slice(1).map(Number) ?? []
      if (first === undefined || last === undefined) return response.writeHead(200, { 'Content-Type': type }).end(bytes)
      const part = bytes.subarray(first, last + 1)
      const contentRange = `bytes ${first}-${first + part.length - 1}/${bytes.length}`
      return response.writeHead(206, { 'Content-Type': type, 'Content-Range': contentRange }).end(part)
    }
    answer().catch(() => response.writeHead(404).end())
  })

  return {
    ...server,
    weights,
    hold: (file, after) => (holding = { file, after }),
    release: () => {
      holding = undefined
      for (const resolve of held.splice(0)) resolve()
    },
  }
}

function locate(pathname: string): string {
  const [, folder, rest = ''] = /^\/(sdk|models)\/(.+)$/.exec(path.posix.normalize(pathname)) ?? []
  if (folder === undefined) throw new Error(`there is nothing at ${pathname}`)
  return fromRoot(folder === 'sdk' ? 'packages/sdk/dist' : '.models', rest)
}
