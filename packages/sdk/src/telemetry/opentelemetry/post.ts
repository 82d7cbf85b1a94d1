/** Posts OTLP to a collector: by `fetch`, tried once more when that may help, or by a beacon when the page goes. */

/** What a browser lets leave a page that goes is 64 KiB at a time; some of it is for others. */
export const maxPartingBytes = 60 * 1_024

const retryAfterMs = { usual: 1_000, longest: 30_000 } as const
const timeoutMs = 10_000

export interface Target {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
}

/** Whether the collector took it, at once or the second time. Never throws. */
export async function post(target: Target, body: Uint8Array<ArrayBuffer>): Promise<boolean> {
  const first = await postOnce(target, body)
  if (first.taken || first.retryInMs === undefined) return first.taken
  await new Promise((resolve) => setTimeout(resolve, first.retryInMs))
  return (await postOnce(target, body)).taken
}

/** Whether the browser will send it after the page is gone. What the collector says to it, nobody hears. */
export function postOnParting({ url, headers }: Target, body: Uint8Array<ArrayBuffer>): boolean {
  if (body.byteLength > maxPartingBytes) return false
  if (Object.keys(headers).length === 0 && typeof navigator.sendBeacon === 'function') {
    return navigator.sendBeacon(url, new Blob([body], { type: 'application/json' }))
  }
  void postOnce({ url, headers }, body)
  return true
}

interface Reply {
  readonly taken: boolean
  /** Absent: it would not help. */
  readonly retryInMs?: number
}

async function postOnce({ url, headers }: Target, body: Uint8Array<ArrayBuffer>): Promise<Reply> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'application/json' },
      body,
      // A longer body would be refused.
      keepalive: body.byteLength <= maxPartingBytes,
      credentials: 'omit',
      signal: AbortSignal.timeout(timeoutMs),
    })
    if (response.ok) return { taken: true }
    const mayHelp = response.status === 429 || response.status >= 500
    return { taken: false, ...(mayHelp && { retryInMs: waitOf(response.headers.get('Retry-After')) }) }
  } catch {
    return { taken: false, retryInMs: waitOf(null) } // Down, offline or not allowed: telemetry costs the page no error.
  }
}

/** Seconds, or a date; see RFC 9110, 10.2.3. Spread, so that a fleet does not come back all at once. */
function waitOf(retryAfter: string | null): number {
  const seconds = Number(retryAfter)
  const told = retryAfter === null ? NaN : Number.isNaN(seconds) ? Date.parse(retryAfter) - Date.now() : seconds * 1_000
  const waitMs = Number.isNaN(told) ? retryAfterMs.usual : Math.max(0, told)
  return Math.min(waitMs * (1 + Math.random() * 0.2), retryAfterMs.longest)
}
