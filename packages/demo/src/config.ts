/** Reads what the page's own server says about the endpoint and the connection, and sets the connection. */

export interface Config {
  /** The endpoint's address, or null when this page has none. */
  readonly endpoint: string | null
  /** How fast the server gives out models, null for as fast as it can; absent where it cannot be told. */
  readonly connection?: { readonly bytesPerSecond: number | null }
}

/** A page that is served without a `config.json` works with the device alone. */
export async function readConfig(): Promise<Config> {
  const response = await fetch('/config.json')
  const isJson = response.headers.get('Content-Type')?.startsWith('application/json') ?? false
  if (!response.ok || !isJson) return { endpoint: null }
  const { endpoint, connection } = (await response.json()) as Partial<Config>
  return { endpoint: endpoint ?? null, ...(connection && { connection }) }
}

/** From now on the server gives out models to this visitor so fast; null: as fast as it can. */
export async function limitConnection(bytesPerSecond: number | null): Promise<void> {
  const query = bytesPerSecond === null ? '' : `?bytesPerSecond=${bytesPerSecond}`
  const { ok, status } = await fetch(`/connection${query}`, { method: 'POST' })
  if (!ok) throw new Error(`the server did not set the connection: status ${status}`)
}

/** Where this page's server passes requests on to the endpoint, for this visitor alone: a line that can be cut. */
export function endpointLine(): string {
  return new URL(`/endpoint/${visitor()}`, location.href).href
}

/** From now on the server ends this visitor's connections to the endpoint without an answer, or passes them on again. */
export async function cutEndpoint(isCut: boolean): Promise<void> {
  const { ok, status } = await fetch(`${endpointLine()}?isCut=${isCut}`, { method: 'POST' })
  if (!ok) throw new Error(`the server did not switch the endpoint: status ${status}`)
}

/** The same on every visit: what was measured of an endpoint is kept by its address. */
function visitor(): string {
  const key = 'edgeward-demo-visitor'
  const known = localStorage.getItem(key)
  if (known !== null) return known
  const made = crypto.randomUUID()
  localStorage.setItem(key, made)
  return made
}
