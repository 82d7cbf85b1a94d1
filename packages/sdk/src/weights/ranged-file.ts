/** Looks at a file at its address, and reads ranges of it, before anything of it is downloaded. */
import { EdgewardError } from '../errors/index.js'
import { fileOfHeaders } from './hub-answers.js'
import { describeAnswer, isHtml, request, type Fetch, type HttpAnswer } from './http.js'
import { manifestDefaults } from './load-manifest.js'
import { isDownloadFailure, pause, retryDelayMs, type DownloadProblem } from './retry.js'

export interface RangedFile {
  readonly bytes: number
  /** Tells this state of the file from another: its ETag, else the time of its last change; empty where the server tells none. */
  readonly state: string
}

/**
 * How long a file is, by a HEAD request; where that is not answered, by a range of one byte.
 *
 * @throws {EdgewardError} `MANIFEST_NOT_FOUND` when there is no such file, `DOWNLOAD_FAILED` when the server does not tell; on
 *   abort, `signal.reason`.
 */
export function lookAtFile(url: string, fetch: Fetch, signal: AbortSignal): Promise<RangedFile> {
  return patiently(signal, async () => {
    const { stallMs } = manifestDefaults
    const head = await request({ url, method: 'HEAD', fetch, cache: 'no-cache', signal, stallMs })
    head.cancel()
    const told = head.response.ok && !isHtml(head) ? fileOfHeaders(url, head.response.headers) : undefined
    if (told) return { bytes: told.bytes, state: told.state ?? '' }
    const headers = { Range: 'bytes=0-0' }
    const answer = await request({ url, headers, fetch, cache: 'no-cache', signal, stallMs })
    answer.cancel()
    return rangedFile(url, answer)
  })
}

/**
 * The bytes from `start` to before `end`.
 *
 * @throws {EdgewardError} `DOWNLOAD_FAILED`; on abort, `signal.reason`.
 */
export function readRange(
  url: string,
  start: number,
  end: number,
  fetch: Fetch,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  return patiently(signal, async () => {
    const headers = { Range: `bytes=${start}-${end - 1}` }
    const answer = await request({ url, headers, fetch, cache: 'no-cache', signal, stallMs: manifestDefaults.stallMs })
    try {
      const { status } = answer.response
      if ((status !== 206 && status !== 200) || isHtml(answer)) throw unexpected(url, answer)
      // A server that knows no ranges sends the file from its beginning.
      if (status === 200) await answer.skip(start)
      const bytes = new Uint8Array(end - start)
      return bytes.subarray(0, await answer.fill(bytes))
    } finally {
      answer.cancel()
    }
  })
}

/** Tries again what may pass, as often as for a manifest: somebody waits for it. */
async function patiently<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask()
    } catch (error) {
      const delayMs =
        !signal.aborted && isDownloadFailure(error) ? retryDelayMs(error, tries, manifestDefaults) : undefined
      if (delayMs === undefined) throw error
      await pause(delayMs, signal)
    }
  }
}

function rangedFile(url: string, answer: HttpAnswer): RangedFile {
  const { status, headers } = answer.response
  const state = headers.get('ETag') ?? headers.get('Last-Modified') ?? ''
  const total = /\/(\d+)$/.exec(headers.get('Content-Range') ?? '')?.[1]
  if (status === 206 && total !== undefined) return { bytes: Number(total), state }
  const whole = status === 200 && !isHtml(answer) ? fileOfHeaders(url, headers) : undefined
  if (whole) return { bytes: whole.bytes, state }
  throw unexpected(url, answer)
}

function unexpected(url: string, answer: HttpAnswer): EdgewardError {
  const { status } = answer.response
  const found = describeAnswer(answer)
  if (status === 404 || status === 410 || isHtml(answer)) {
    const message = `There is no model at ${url}: ${found}.`
    return new EdgewardError('MANIFEST_NOT_FOUND', message, { details: { url, status } })
  }
  const problem: DownloadProblem = status === 408 || status === 429 || status >= 500 ? 'busy' : 'refused'
  const message = `${url}: expected a file that is sent in ranges, with its length (from another origin, exposed in Content-Length or Content-Range); got ${found}`
  return new EdgewardError('DOWNLOAD_FAILED', message, { details: { url, status, problem } })
}
