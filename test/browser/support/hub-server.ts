/** The tests' file server as a hub of models: Hugging Face's API, its addresses of files, tokens and redirects. */
import type { IncomingMessage, ServerResponse } from 'node:http'

/** How a hub behaves; a test sends it as JSON. */
export interface HubBehaviour {
  /** `false`: a plain mirror, which has files only; `page`: one that answers with a page what it does not know. */
  readonly hasApi: boolean | 'page'
  readonly commit: string
  /** The branches and tags that stand for it; `main` when absent. */
  readonly refs?: readonly string[]
  /** The files, with what the hub says of each. */
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256?: string }>>
  /** Whoever has no such token is turned away. */
  readonly token?: string
  /** Where files are redirected to: another origin, whose addresses need no token. */
  readonly cdn?: string
}

/** What came to a hub, at whichever of its origins. */
export interface HubRequestLog {
  readonly method: string
  readonly host: string
  readonly path: string
  readonly authorization: string | null
}

interface Hub {
  behaviour: HubBehaviour
  readonly log: HubRequestLog[]
}

/** Answers with a file that the server was given under `<hub>/<path>`. */
type ServeFile = (place: string, request: IncomingMessage, response: ServerResponse) => Promise<void>

/** `PUT /hub/NAME` sets up a hub and forgets its requests; `GET /hub/NAME` gives the log; all else is the hub's own. */
export class Hubs {
  readonly #hubs = new Map<string, Hub>()
  readonly #serveFile: ServeFile

  constructor(serveFile: ServeFile) {
    this.#serveFile = serveFile
  }

  setUp(name: string, behaviour: HubBehaviour): void {
    this.#hubs.set(name, { behaviour, log: [] })
  }

  log(name: string): readonly HubRequestLog[] {
    return this.#hubs.get(name)?.log ?? []
  }

  async answer(name: string, path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const hub = this.#hubs.get(name)
    allowTokens(response)
    if (!hub || request.method === 'OPTIONS') {
      response.writeHead(hub ? 204 : 404).end()
      return
    }
    const { headers, method = '' } = request
    const authorization = headers.authorization ?? null
    hub.log.push({ method, host: headers.host ?? '', path, authorization })
    const { behaviour } = hub
    const [, cdnPath] = /^cdn\/(.*)$/.exec(path) ?? []
    if (cdnPath !== undefined) return this.#serveFile(`${name}/${cdnPath}`, request, response)
    if (behaviour.token !== undefined && authorization !== `Bearer ${behaviour.token}`) {
      response.writeHead(401, { 'Content-Type': 'text/plain' }).end('Invalid credentials')
      return
    }
    if (behaviour.hasApi === 'page' && path.startsWith('api/')) {
      response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end('<!doctype html><p>Welcome.</p>')
      return
    }
    const json = behaviour.hasApi === true ? apiAnswer(behaviour, path) : undefined
    if (json !== undefined) {
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(json))
      return
    }
    await this.#answerFile(name, behaviour, path, request, response)
  }

  async #answerFile(
    name: string,
    behaviour: HubBehaviour,
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const [, revision = '', file = ''] = /\/resolve\/([^/]+)\/(.+)$/.exec(path) ?? []
    const known = behaviour.files[file]
    if (!known || !isRevision(behaviour, revision)) {
      response.writeHead(404, { 'Content-Type': 'text/html' }).end('<!doctype html><p>Not here.</p>')
      return
    }
    if (behaviour.cdn !== undefined) {
      response.writeHead(302, { Location: `${behaviour.cdn}/hub/${name}/cdn/${file}` }).end()
      return
    }
    if (behaviour.hasApi !== true && known.sha256 !== undefined) {
      response.setHeader('X-Linked-ETag', `"${known.sha256}"`)
      response.setHeader('X-Linked-Size', known.bytes)
      response.setHeader('X-Repo-Commit', behaviour.commit)
    }
    await this.#serveFile(`${name}/${file}`, request, response)
  }
}

function isRevision({ commit, refs = ['main'] }: HubBehaviour, revision = ''): boolean {
  return revision === commit || refs.includes(revision)
}

/** As Hugging Face's API answers; undefined for what it does not have. */
function apiAnswer(behaviour: HubBehaviour, path: string): unknown {
  const { commit, files } = behaviour
  const [, what, revision] = /^api\/models\/[^/]+\/[^/]+\/(revision|tree)\/([^/?]+)$/.exec(path) ?? []
  if (what === undefined || !isRevision(behaviour, revision)) return undefined
  if (what === 'revision') return { sha: commit, tags: ['onnx', 'license:apache-2.0'] }
  const entries = Object.entries(files).map(([file, { bytes, sha256 }]) => ({
    type: 'file',
    path: file,
    oid: '0'.repeat(40),
    // Large files are pointers of Git LFS.
    ...(sha256 === undefined ? { size: bytes } : { size: 134, lfs: { oid: sha256, size: bytes, pointerSize: 134 } }),
  }))
  return [{ type: 'directory', path: 'onnx', size: 0, oid: '0'.repeat(40) }, ...entries]
}

/** A star does not stand for `Authorization`. */
function allowTokens(response: ServerResponse): void {
  response.setHeader('Access-Control-Allow-Headers', 'Authorization, Range, If-Range')
  const exposed =
    'Content-Range, Content-Encoding, ETag, Retry-After, Link, X-Linked-ETag, X-Linked-Size, X-Repo-Commit'
  response.setHeader('Access-Control-Expose-Headers', exposed)
}
