/** What the doctor finds of the worker, and of how ONNX Runtime's binary is served. */
import type { Finding } from '../contract/index.js'
import { messageOf } from '../errors/index.js'
import { finding } from './doctor-findings.js'
import { askHeaders, whyNoFile, type Heard } from './doctor-headers.js'

/** Starts the worker, and asks it where ONNX Runtime's binary is. */
export type LocateRuntime = () => Promise<string>

/** Whoever downloads the binary more often than weekly downloads it too often. */
const longSeconds = 7 * 24 * 3_600

/** @param mayAsk - whether requests may be made */
export async function diagnoseRuntime(locate: LocateRuntime, mayAsk: boolean): Promise<readonly Finding[]> {
  const forbidden: string[] = []
  const onViolation = ({ effectiveDirective, blockedURI }: SecurityPolicyViolationEvent) => {
    if (/^(worker|script|child)-src/.test(effectiveDirective)) forbidden.push(blockedURI)
  }
  document.addEventListener('securitypolicyviolation', onViolation)
  try {
    const binary = await locate()
    return mayAsk ? await diagnoseBinary(new URL(binary, location.href)) : []
  } catch (error) {
    const [url] = forbidden
    return [
      url === undefined ? finding('worker-failed', { why: messageOf(error) }) : finding('worker-blocked', { url }),
    ]
  } finally {
    document.removeEventListener('securitypolicyviolation', onViolation)
  }
}

async function diagnoseBinary(address: URL): Promise<readonly Finding[]> {
  const url = address.href
  const heard = await askHeaders(address)
  if (heard.is !== 'answer')
    return [finding('runtime-missing', { url, found: 'there is no answer, or none for this page' })]
  const missing = whyNoFile(heard)
  if (missing !== undefined) return [finding('runtime-missing', { url, found: missing })]
  return diagnoseHeaders(address, heard)
}

function diagnoseHeaders(address: URL, { headers }: Extract<Heard, { is: 'answer' }>): readonly Finding[] {
  const url = address.href
  const type = headers.get('Content-Type') ?? 'nothing'
  const cached = headers.get('Cache-Control') ?? 'no Cache-Control'
  // Another origin's server need not show pages how it compresses.
  const isPlain = address.origin === location.origin && /^(identity)?$/.test(headers.get('Content-Encoding') ?? '')
  return [
    ...(type.toLowerCase() === 'application/wasm' ? [] : [finding('runtime-wrong-type', { url, found: type })]),
    ...(isPlain ? [finding('runtime-uncompressed', { url })] : []),
    ...(isKeptLong(cached) ? [] : [finding('runtime-not-cached', { url, found: cached })]),
  ]
}

function isKeptLong(cacheControl: string): boolean {
  const [, seconds = '0'] = /max-age=(\d+)/i.exec(cacheControl) ?? []
  return !/no-store|no-cache/i.test(cacheControl) && Number(seconds) >= longSeconds
}
