/** How the weights room reaches files: the network, and files that lie in memory or on the user's disk under addresses of ours. */
import type { ModelSource } from '../contract/index.js'
import { EdgewardError, messageOf } from '../errors/index.js'
import { platformFetch, type Fetch } from './http.js'

/** Hugging Face's hub, a mirror of it or a private one. */
export interface HubAccess {
  /** Without a slash at its end. */
  readonly baseUrl: string
  /** Asked for every request to the hub. */
  token?(): Promise<string | undefined>
}

/** A host that no network has (RFC 6761): what is not held under it is not there. */
const heldOrigin = 'https://held-by-this-page.invalid'

/** The address under which a file of a model is held. */
export function heldUrl(model: string, path = ''): string {
  return `${heldOrigin}/${encodeURIComponent(model)}/${path.split('/').map(encodeURIComponent).join('/')}`
}

export class Network {
  readonly hub: HubAccess
  readonly #held = new Map<string, Blob>()
  readonly #models = new Map<string, ModelSource>()

  constructor(hub: HubAccess = { baseUrl: 'https://huggingface.co' }) {
    this.hub = hub
  }

  /** Answers requests for a file from these bytes, until the returned function is called. */
  hold(url: string, bytes: Blob): () => void {
    this.#held.set(url, bytes)
    return () => {
      if (this.#held.get(url) === bytes) this.#held.delete(url)
    }
  }

  /** Holds the files of a model, by their paths, instead of those that it may have had before. */
  holdModel(model: string, files: ReadonlyMap<string, Blob>, source: ModelSource): void {
    const folder = heldUrl(model)
    for (const url of this.#held.keys()) if (url.startsWith(folder)) this.#held.delete(url)
    for (const [path, file] of files) this.#held.set(heldUrl(model, path), file)
    this.#models.set(model, source)
  }

  heldModel(model: string): ModelSource | undefined {
    return this.#models.get(model)
  }

  /** As the platform's `fetch`; a token goes to the hub's own addresses only, and browsers drop it when they are sent on. */
  readonly fetch: Fetch = async (url, init) => {
    const held = this.#held.get(url)
    if (held) return answerFrom(held, new Headers(init.headers))
    if (url.startsWith(`${heldOrigin}/`)) throw notHeld(url)
    if (!this.hub.token || !url.startsWith(`${this.hub.baseUrl}/`)) return platformFetch(url, init)
    const token = await askToken(this.hub.token)
    if (token === undefined) return platformFetch(url, init)
    const headers = new Headers(init.headers)
    headers.set('Authorization', `Bearer ${token}`)
    return platformFetch(url, { ...init, headers })
  }
}

async function askToken(token: () => Promise<string | undefined>): Promise<string | undefined> {
  try {
    return await token()
  } catch (cause) {
    const message = `The function huggingFace.token gave no token: ${messageOf(cause)}`
    throw new EdgewardError('DOWNLOAD_FAILED', message, { cause })
  }
}

function notHeld(url: string): EdgewardError {
  const [, model = ''] = new URL(url).pathname.split('/')
  const id = JSON.stringify(decodeURIComponent(model))
  const message = `A file of ${id} is no longer whole in the cache, and this client was not given it: add the model's files again with models.add(${id}, files).`
  return new EdgewardError('DOWNLOAD_FAILED', message, { details: { url } })
}

/** The answer of a server that knows ranges. */
function answerFrom(file: Blob, headers: Headers): Response {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.get('Range') ?? '') ?? []
  if (first === undefined || last === undefined) return new Response(file, { headers: { 'Content-Type': '' } })
  const part = file.slice(Number(first), Number(last) + 1, '')
  const range = `bytes ${first}-${Number(first) + part.size - 1}/${file.size}`
  return new Response(part, { status: 206, headers: { 'Content-Range': range } })
}
