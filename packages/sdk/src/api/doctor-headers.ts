/** Asks servers for the headers of an answer, and tells a server that is silent from one that does not allow this page. */

/** What a server said. */
export type Heard =
  | { readonly is: 'answer'; readonly status: number; readonly headers: Headers }
  /** It answers, but not to pages of this origin. */
  | { readonly is: 'blocked' }
  | { readonly is: 'silent' }

const deadlineMs = 5_000

/** Reads no body. Never throws. */
export async function askHeaders(url: URL, headers: Readonly<Record<string, string>> = {}): Promise<Heard> {
  const answer = await startFetch(url, { headers, cache: 'no-store' })
  if (answer !== undefined) return { is: 'answer', status: answer.status, headers: answer.headers }
  // Says nothing of the answer but that there is one.
  const anything = url.origin === globalThis.location?.origin ? undefined : await startFetch(url, { mode: 'no-cors' })
  return { is: anything === undefined ? 'silent' : 'blocked' }
}

/** The answer, as soon as its headers are there; its body is given up. */
async function startFetch(url: URL, init: RequestInit): Promise<Response | undefined> {
  const ending = new AbortController()
  try {
    return await fetch(url, { ...init, signal: AbortSignal.any([ending.signal, AbortSignal.timeout(deadlineMs)]) })
  } catch {
    return undefined // Browsers do not tell a page why.
  } finally {
    ending.abort()
  }
}

/** Such as `status 404`; undefined when it is the file. A page in its place is what servers of single-page apps send. */
export function whyNoFile({ status, headers }: Extract<Heard, { is: 'answer' }>): string | undefined {
  if (status >= 300) return `status ${status}`
  return headers.get('Content-Type')?.startsWith('text/html') === true ? 'a page in its place' : undefined
}
