/**
 * The site of the chaos tests: a blank page with the scripts of `pages/`, the SDK as it is shipped (`/sdk/`), the same with
 * faults to order in its worker (`/faulty-sdk/`), the packed models (`/models/`), and what the soak needs (`/soak/`, `/images/`).
 */
import { readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import path from 'node:path'
import { fromRoot } from '../../../scripts/lib/root.mjs'
import { startFront, type Front, type Reply } from './front.js'

/** Faults by their names, and how many times each happens; see `pages/worker-faults.js`. */
export type Faults = Readonly<Record<string, number>>

export interface Site extends Front {
  /** Sent with everything. At first: those that isolate the page, and let pages of other origins use what it serves. */
  headers: Readonly<Record<string, string>>
  /** What happens in the faulty workers that start from now on; what happens so many times happens in the next one only. */
  faults: Faults
}

const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
}
const folders: Readonly<Record<string, string>> = {
  sdk: 'packages/sdk/dist',
  'faulty-sdk': 'packages/sdk/dist',
  models: '.models',
  chaos: 'test/chaos/pages',
  soak: 'test/soak/pages',
  images: 'test/fixtures/images',
}
const shared = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': 'Content-Range',
  'Cross-Origin-Resource-Policy': 'cross-origin',
  'Cache-Control': 'no-store',
}

/** Content of further paths (with their queries), or none. */
export type MoreContent = (path: string) => Promise<Buffer> | undefined

/** Starts one on a port of its own. @param more - asked first */
export async function startSite(more: MoreContent = () => undefined): Promise<Site> {
  const front = await startFront((request) => answer(request))
  const site: Site = {
    ...front,
    headers: isolation,
    faults: {},
    reset() {
      front.reset()
      site.headers = isolation
      site.faults = {}
    },
  }

  const answer = async (request: IncomingMessage): Promise<Reply> => {
    const { pathname, search } = new URL(request.url ?? '/', 'http://localhost')
    const extension = pathname === '/' ? '.html' : path.extname(pathname)
    const type = types[extension] ?? 'application/octet-stream'
    const headers = { ...shared, ...site.headers, 'Content-Type': type }
    try {
      const body =
        pathname === '/chaos/faults.js'
          ? handOutFaults()
          : await (more(pathname + search) ?? contentOf(pathname, search === '?real'))
      return partOf(body, request.headers.range, headers)
    } catch {
      return { status: 404, headers, body: Buffer.from(`there is nothing at ${pathname}`) }
    }
  }

  const handOutFaults = (): Buffer => {
    const { faults } = site
    site.faults = Object.fromEntries(Object.entries(faults).filter(([, times]) => times === Infinity))
    const entries = Object.entries(faults).map(([name, times]) => `[${JSON.stringify(name)}, ${times}]`)
    return Buffer.from(`export const faults = new Map([${entries.join(', ')}])`)
  }
  return site
}

async function contentOf(pathname: string, isReal: boolean): Promise<Buffer> {
  if (pathname === '/') return readFile(fromRoot('test/chaos/pages/index.html'))
  const [, folder = '', rest = ''] = /^\/([^/]+)\/(.+)$/.exec(path.posix.normalize(pathname)) ?? []
  if (folder === 'faulty-sdk' && !isReal) {
    if (rest === 'worker.js') return Buffer.from("import '/chaos/worker-faults.js'; import './worker.js?real'")
    if (/^ort\/ort\.\w+\.min\.mjs$/.test(rest)) return readFile(fromRoot('test/chaos/pages/faulty-runtime.js'))
  }
  const root = folders[folder]
  if (root === undefined) throw new Error(`there is no folder ${folder}`)
  return readFile(fromRoot(root, rest))
}

function partOf(body: Buffer, range: string | undefined, headers: Readonly<Record<string, string>>): Reply {
  const [first, last] =
    /^bytes=(\d+)-(\d+)$/
      .exec(range ?? '')
      ?.slice(1)
      .map(Number) ?? []
  if (first === undefined || last === undefined) return { status: 200, headers, body }
  const part = body.subarray(first, last + 1)
  const contentRange = `bytes ${first}-${first + part.length - 1}/${body.length}`
  return { status: 206, headers: { ...headers, 'Content-Range': contentRange }, body: part }
}
