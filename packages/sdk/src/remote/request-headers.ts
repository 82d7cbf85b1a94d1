/** The headers of a request: what the caller says, asked anew each time where it is a function, and what the protocol needs. */
import { EdgewardError, messageOf } from '../errors/index.js'
import type { RequestHeaders } from './options.js'

/** @throws EdgewardError `REMOTE_UNAUTHORIZED` when the function failed, `INVALID_OPTION` for what are no headers */
export async function resolveHeaders(
  source: RequestHeaders,
  own: Readonly<Record<string, string>> | undefined,
): Promise<Headers> {
  const given = typeof source === 'function' ? await askForHeaders(source) : source
  try {
    const headers = new Headers(given)
    // What the protocol needs wins over what the caller says.
    for (const [name, value] of Object.entries(own ?? {})) headers.set(name, value)
    return headers
  } catch (cause) {
    throw new EdgewardError('INVALID_OPTION', `remote.headers are not HTTP headers: ${messageOf(cause)}`, { cause })
  }
}

async function askForHeaders(
  source: Extract<RequestHeaders, () => unknown>,
): Promise<Readonly<Record<string, string>>> {
  try {
    return await source()
  } catch (cause) {
    throw new EdgewardError('REMOTE_UNAUTHORIZED', `the remote.headers function failed: ${messageOf(cause)}`, { cause })
  }
}
