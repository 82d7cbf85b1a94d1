/** Where a model's manifest and files are, and how one manifest is fetched. */
import * as v from 'valibot'
import type { Manifest } from '../contract/index.js'
import { EdgewardError, messageOf } from '../errors/index.js'
import { isGgufUrl } from '../shared/index.js'
import { describeAnswer, isHtml, request, type HttpAnswer } from './http.js'
import { idSchema } from './manifest-schema.js'
import { parseManifest } from './manifest.js'
import { retryAfterMs } from './retry-after.js'
import type { DownloadProblem } from './retry.js'

/** One request for a manifest. */
export interface ManifestRequest {
  readonly url: string
  readonly id: string
  /** The only revision that will do; without it, any. */
  readonly revision?: string | undefined
  readonly signal: AbortSignal
  /** How long the server may send no byte. */
  readonly stallMs: number
}

/**
 * Fetches and checks a manifest, with one request.
 *
 * @throws {EdgewardError} `MANIFEST_NOT_FOUND` also for another revision, `MANIFEST_INVALID`, `DOWNLOAD_FAILED`; on abort,
 *   `signal.reason`.
 */
export async function fetchManifest({ url, id, revision, signal, stallMs }: ManifestRequest): Promise<Manifest> {
  // A manifest of an earlier visit is used again only when the server says that it still holds.
  const answer = await request({ url, cache: 'no-cache', signal, stallMs })
  try {
    checkAnswer(answer, url, id)
    const manifest = parseManifest(parseJson(await answer.text(), url), url)
    if (manifest.id !== id) throw invalid(url, `id is "${manifest.id}", should be "${id}", the name of its folder`)
    if (revision !== undefined && manifest.revision !== revision) throw otherRevision(url, manifest, revision)
    return manifest
  } finally {
    answer.cancel()
  }
}

/** The absolute address of a manifest's file. A GGUF is its own manifest, and the only file. */
export function fileUrl(manifestUrl: string, path: string): string {
  if (isGgufUrl(manifestUrl)) return manifestUrl
  return new URL(path.split('/').map(encodeURIComponent).join('/'), manifestUrl).href
}

/**
 * The absolute address of a model's manifest, `<modelsUrl>/<id>/manifest.json`.
 *
 * @param modelsUrl The folder of models; relative to the page, or absolute.
 * @throws {EdgewardError} `INVALID_OPTION` for an address or an id that cannot be one.
 */
export function manifestUrl(modelsUrl: string, id: string): string {
  const wanted = v.safeParse(idSchema, id)
  if (!wanted.success) {
    const message = `model "${id}": a model's id should be ${wanted.issues[0].message}`
    throw new EdgewardError('INVALID_OPTION', message, { details: { option: 'model', value: id } })
  }
  const folder = parseUrl(modelsUrl)
  if (!folder.pathname.endsWith('/')) folder.pathname += '/'
  return new URL(`${id}/manifest.json`, folder).href
}

function parseUrl(modelsUrl: string): URL {
  try {
    return new URL(modelsUrl, baseUrl())
  } catch (cause) {
    const message = `models: "${modelsUrl}" is ${messageOf(cause)}, should be the address of the folder of models`
    throw new EdgewardError('INVALID_OPTION', message, { details: { option: 'models', value: modelsUrl }, cause })
  }
}

/** What relative addresses are relative to; nothing where there is no page, as in Node. */
function baseUrl(): string | undefined {
  if (typeof document !== 'undefined') return document.baseURI
  return typeof location === 'undefined' ? undefined : location.href
}

function checkAnswer(answer: HttpAnswer, url: string, id: string): void {
  const { status, ok } = answer.response
  const details = { url, model: id, status }
  if (status === 404 || status === 410) {
    throw new EdgewardError('MANIFEST_NOT_FOUND', `model "${id}": there is nothing at ${url} (status ${status})`, {
      details,
    })
  }
  if (!ok) {
    const problem: DownloadProblem = isBusy(status) ? 'busy' : 'refused'
    const retryAfter = retryAfterMs(answer.response.headers, Date.now())
    const message = `${url}: expected status 200; got ${describeAnswer(answer)}`
    throw new EdgewardError('DOWNLOAD_FAILED', message, {
      details: { ...details, problem, ...(retryAfter !== undefined && { retryAfterMs: retryAfter }) },
    })
  }
  if (isHtml(answer)) {
    throw invalid(
      url,
      'a page (text/html) came instead of JSON: the server seems to answer so for files it does not have',
    )
  }
}

function isBusy(status: number): boolean {
  return status === 408 || status === 429 || status >= 500
}

function otherRevision(url: string, { id, revision: there }: Manifest, wanted: string): EdgewardError {
  const message = `model "${id}": revision "${wanted}" is not at ${url}, which has revision "${there}"`
  return new EdgewardError('MANIFEST_NOT_FOUND', message, { details: { url, model: id, revision: wanted, there } })
}

function parseJson(text: string, url: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw invalid(url, `is no JSON: ${messageOf(cause)}`, cause)
  }
}

function invalid(where: string, problem: string, cause?: unknown): EdgewardError {
  return new EdgewardError('MANIFEST_INVALID', `${where}: ${problem}`, { details: { where, path: '' }, cause })
}
