/** Reads what the page's own server says about the endpoint. */

export interface Config {
  /** The endpoint's address, or null when this page has none. */
  readonly endpoint: string | null
}

/** A page that is served without a `config.json` works with the device alone. */
export async function readConfig(): Promise<Config> {
  const response = await fetch('/config.json')
  const isJson = response.headers.get('Content-Type')?.startsWith('application/json') ?? false
  if (!response.ok || !isJson) return { endpoint: null }
  const { endpoint } = (await response.json()) as Partial<Config>
  return { endpoint: endpoint ?? null }
}
