/** SHA-256 by the platform's own implementation. Chromium computes it before `digest` returns, which holds this thread up. */
import { EdgewardError } from '../errors/index.js'

/**
 * Whether this page or worker can compute digests at all.
 *
 * @throws {EdgewardError} `DEVICE_UNSUPPORTED` outside a secure context, where browsers leave `crypto.subtle` out.
 */
export function requireDigests(): void {
  // The DOM's types know only secure contexts.
  const { subtle } = crypto as Partial<Crypto>
  if (subtle) return
  const message =
    'weights cannot be verified here: crypto.subtle is missing, since this page is not a secure context; serve it over HTTPS, or from localhost'
  throw new EdgewardError('DEVICE_UNSUPPORTED', message, { details: { missing: 'crypto.subtle' } })
}

/** The SHA-256 of `bytes` as lower-case hex. */
export async function sha256Hex(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
