/** What the doctor finds of endpoints. */
import type { Finding } from '../contract/index.js'
import { messageOf } from '../errors/index.js'
import type { RemoteOptions } from '../remote/index.js'
import { finding } from './doctor-findings.js'
import { askHeaders, type Heard } from './doctor-headers.js'

export interface DiagnosedEndpoint extends Pick<RemoteOptions, 'url' | 'headers' | 'loadReports'> {
  /** Absent: `oip`. */
  readonly protocol?: RemoteOptions['protocol']
  /** Whether it has told its load with an answer; absent while nobody knows: health checks do not tell it. */
  readonly reportsLoad?: boolean
}

export async function diagnoseEndpoints(endpoints: readonly DiagnosedEndpoint[]): Promise<readonly Finding[]> {
  return (await Promise.all(endpoints.map(diagnoseEndpoint))).flat()
}

async function diagnoseEndpoint(endpoint: DiagnosedEndpoint): Promise<readonly Finding[]> {
  const address = new URL(endpoint.url, globalThis.location?.href)
  const url = address.href
  const isOpenAi = endpoint.protocol === 'openai'
  address.pathname = `${address.pathname.replace(/\/+$/, '')}${isOpenAi ? '/models' : '/v2/health/ready'}`
  const headers = await headersOf(endpoint)
  if (headers instanceof Error) {
    return [finding('endpoint-not-ready', { url, found: `remote.headers failed: ${headers.message}` })]
  }
  // Of those that speak OpenAI's protocol, few tell their load: that is no fault to be mended.
  const { heard, asksLoad } = await ask(address, headers, !isOpenAi && endpoint.loadReports !== false)
  if (heard.is === 'silent') return [finding('endpoint-unreachable', { url })]
  if (heard.is === 'blocked') return [finding('endpoint-blocked', { url })]
  if (heard.status !== 200) return [finding('endpoint-not-ready', { url, found: `status ${heard.status}` })]
  return asksLoad && endpoint.reportsLoad !== false ? [] : [finding('endpoint-no-load-report', { url })]
}

/** An endpoint that does not let pages ask for its load is asked again without. */
async function ask(
  address: URL,
  headers: Readonly<Record<string, string>>,
  wantsLoad: boolean,
): Promise<{ readonly heard: Heard; readonly asksLoad: boolean }> {
  const format = { 'endpoint-load-metrics-format': 'JSON' }
  const heard = await askHeaders(address, wantsLoad ? { ...headers, ...format } : headers)
  if (heard.is === 'answer' || !wantsLoad) return { heard, asksLoad: true }
  return { heard: await askHeaders(address, headers), asksLoad: false }
}

async function headersOf({ headers = {} }: DiagnosedEndpoint): Promise<Readonly<Record<string, string>> | Error> {
  try {
    return typeof headers === 'function' ? await headers() : headers
  } catch (error) {
    return new Error(messageOf(error), { cause: error })
  }
}
