/** Why no answer came: browsers do not tell pages, so what can be found out is found out beside the requests. */

/**
 * What an error `REMOTE_UNREACHABLE` has as its `details.reason`, in words; `timeout` is the only other one. Browsers tell a
 * page nothing of `dns`, `refused` and `tls`: there, these are `network`.
 */
export const silences = {
  offline: 'this device is offline',
  cors: 'the server is there, but does not let this page read its answer (CORS)',
  permission: 'the user has not allowed this site to reach the local network',
  'mixed-content': 'a page that came over https may not ask an http address',
  dns: 'there is no such host',
  refused: 'nothing listens there',
  tls: 'its certificate, or how it speaks TLS, is not accepted',
  network:
    'the address is wrong, nothing listens there, the connection broke, or the server does not allow this page (CORS)',
} as const

export type SilenceReason = keyof typeof silences

/** Failures that follow one another within this time have one cause, which is looked for once. */
const burstMs = 30_000
const lookMs = 2_000

/**
 * Of one endpoint. Nobody waits for what takes a request to find out: the failure that starts the search has the reason
 * `network`, and those after it what was found. (A first request is tried in several manners; often the last one has it.)
 */
export class Silence {
  readonly #url: URL
  #lookedAt = -Infinity
  #found: 'cors' | 'permission' | undefined

  constructor(url: string) {
    this.#url = new URL(url)
  }

  /** The endpoint has answered: what was found no longer holds. */
  broken(): void {
    this.#lookedAt = -Infinity
    this.#found = undefined
  }

  /**
   * @param error - what `fetch` rejected with
   * @param signal - the search ends with the request that began it
   */
  reasonOf(error: unknown, signal: AbortSignal): SilenceReason {
    // Node 20 has neither.
    const { navigator, location } = globalThis as { navigator?: Navigator; location?: Location }
    if (navigator?.onLine === false) return 'offline'
    if (location === undefined) return toldByNode(error)
    const { protocol, hostname } = this.#url
    if (location.protocol === 'https:' && protocol === 'http:' && !isLoopback(hostname)) return 'mixed-content'
    void this.#look(location, signal)
    return this.#found ?? 'network'
  }

  async #look(page: Location, signal: AbortSignal): Promise<void> {
    const lookedAt = performance.now()
    if (lookedAt - this.#lookedAt < burstMs) return
    this.#lookedAt = lookedAt
    const found = await findOut(this.#url, page, signal)
    if (this.#lookedAt !== lookedAt) return // It has answered since.
    if (found === undefined && signal.aborted) this.broken()
    else this.#found = found
  }
}

/** @returns undefined where nothing was found. Never rejects. */
async function findOut(url: URL, page: Location, signal: AbortSignal): Promise<'cors' | 'permission' | undefined> {
  if (await isForbidden(url, page)) return 'permission'
  if (url.origin === page.origin) return undefined
  const ending = new AbortController()
  try {
    const either = AbortSignal.any([signal, ending.signal, AbortSignal.timeout(lookMs)])
    // Says nothing of the answer but that there is one, which is enough: with CORS, there was none.
    await fetch(url, { mode: 'no-cors', credentials: 'omit', cache: 'no-store', signal: either })
    return 'cors'
  } catch {
    return undefined // Nobody is there, or a page that is isolated (COEP) may not know of it.
  } finally {
    ending.abort()
  }
}

/**
 * Whether Local Network Access keeps this page from an address near the user (https://wicg.github.io/local-network-access/).
 * Chromium asks the user; a page that is near them itself needs no permission.
 */
async function isForbidden({ hostname }: URL, page: Location): Promise<boolean> {
  if (!isNear(hostname)) return false
  const names = [isLoopback(hostname) ? 'loopback-network' : 'local-network', 'local-network-access']
  for (const name of names) {
    const state = await permissionOf(name)
    if (state !== undefined) return state === 'denied' || (state === 'prompt' && !isNear(page.hostname))
  }
  return false
}

/** Undefined where the browser does not know the permission. */
async function permissionOf(name: string): Promise<PermissionState | undefined> {
  try {
    // Newer than the types.
    return (await navigator.permissions.query({ name } as unknown as PermissionDescriptor)).state
  } catch {
    return undefined // An unknown name is a TypeError, as is a browser without permissions.
  }
}

function isLoopback(host: string): boolean {
  return /^(localhost|.*\.localhost|127\..*|\[::1\])$/.test(host)
}

/** On this machine or in its network, as far as the address says so. */
function isNear(host: string): boolean {
  return isLoopback(host) || /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.|\[f[cde])|\.local$/.test(host)
}

/** `cause.code` of what Node's fetch rejects with. */
function toldByNode(error: unknown): SilenceReason {
  const { cause } = error as { cause?: { code?: unknown } }
  const code = String(cause?.code)
  if (/^(ENOTFOUND|EAI_)/.test(code)) return 'dns'
  if (code === 'ECONNREFUSED') return 'refused'
  return /CERT|TLS|SSL|EPROTO|UNABLE_TO_/.test(code) ? 'tls' : 'network'
}
