/** Brings missing chunks of a file from the network; nobody hears of a chunk before it is verified. */
import type { ManifestFile } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import type { Chunk } from './chunks.js'
import { describeAnswer, isHtml, request, type HttpAnswer } from './http.js'
import { sha256Hex } from './verify.js'

export interface Download {
  readonly file: ManifestFile
  readonly url: string
  /** The chunks that are wanted, in the order of the file. */
  readonly chunks: readonly Chunk[]
  /** The whole file's place: chunks are written to theirs, and what lies between them stays as it is. */
  readonly target: Uint8Array<ArrayBuffer>
  readonly signal: AbortSignal
  readonly stallMs: number
  readonly parallelRequests: number
  /** A chunk is verified and in its place; the download waits before it goes on. */
  onVerified(chunk: Chunk, bytes: Uint8Array<ArrayBuffer>): Promise<void>
}

/** A chunk that still has to come. */
interface Wanted {
  readonly chunk: Chunk
  /** Whether it came before, with a wrong digest. */
  readonly again: boolean
}

/**
 * Fetches chunks by Range requests, a few at once. A server that ignores Range answers the first request with the whole
 * file, and that one answer then serves all chunks. A chunk with a wrong digest is fetched once more.
 *
 * @throws {EdgewardError} `DOWNLOAD_FAILED`, or `INTEGRITY` when a chunk was wrong twice.
 */
export async function downloadChunks(options: Download): Promise<void> {
  const queue: Wanted[] = options.chunks.map((chunk) => ({ chunk, again: false }))
  const first = queue.shift()
  if (!first) return
  const end = new AbortController()
  const download = { ...options, signal: AbortSignal.any([options.signal, end.signal]) }
  try {
    // Only the first answer tells whether the server knows Range: the other lanes open when it is there.
    const answer = await requestChunk(download, first.chunk)
    const lanes = [receive(download, queue, first, answer).then(() => runLane(download, queue))]
    while (lanes.length < download.parallelRequests) lanes.push(runLane(download, queue))
    await Promise.all(lanes)
  } finally {
    end.abort()
  }
}

async function runLane(download: Download, queue: Wanted[]): Promise<void> {
  for (let wanted = queue.shift(); wanted; wanted = queue.shift()) {
    await receive(download, queue, wanted, await requestChunk(download, wanted.chunk))
  }
}

/**
 * Takes from an answer the chunk it was asked for; if it is the whole file, everything that is still wanted. What the
 * answer did not bring right goes back to the queue.
 */
async function receive(download: Download, queue: Wanted[], asked: Wanted, answer: HttpAnswer): Promise<void> {
  const isWhole = answer.response.status === 200
  // Before the first await: whole answers must empty the queue before another lane looks at it.
  const taken = isWhole ? [asked, ...queue.splice(0)].sort((a, b) => a.chunk.offset - b.chunk.offset) : [asked]
  let position = isWhole ? 0 : asked.chunk.offset
  try {
    for (const [index, { chunk }] of taken.entries()) {
      await answer.skip(chunk.offset - position)
      position = chunk.offset + chunk.bytes
      const bytes = download.target.subarray(chunk.offset, position)
      await fillExactly(download, answer, bytes, isWhole)
      const found = await sha256Hex(bytes)
      if (found !== chunk.digest) {
        if (asked.again) throw wrongDigest(download, chunk, found)
        queue.unshift({ chunk, again: true }, ...taken.slice(index + 1))
        return
      }
      await download.onVerified(chunk, bytes)
    }
  } finally {
    answer.cancel()
  }
}

async function requestChunk(download: Download, chunk: Chunk): Promise<HttpAnswer> {
  const { file, url, signal, stallMs } = download
  const isFile = chunk.bytes === file.bytes
  const range = `${chunk.offset}-${chunk.offset + chunk.bytes - 1}`
  const headers: Record<string, string> = isFile ? {} : { Range: `bytes=${range}` }
  // Past the HTTP cache: it would keep a second copy of everything, serve old bytes under a new manifest, and
  // (Chromium) let requests for ranges of one address run only one after the other.
  const answer = await request({ url, headers, cache: 'no-store', signal, stallMs })
  const wrong = wrongAnswer(answer, file, isFile ? undefined : range)
  if (!wrong) return answer
  answer.cancel()
  throw failed(download, answer, wrong)
}

/** What is wrong with the head of an answer, or undefined. */
function wrongAnswer(answer: HttpAnswer, file: ManifestFile, range: string | undefined): string | undefined {
  const { status, headers } = answer.response
  if (status !== 200 && (status !== 206 || range === undefined)) {
    return `expected ${range === undefined ? 'status 200' : 'status 206, or 200 with the whole file'}`
  }
  if (isHtml(answer) && !/\.html?$/i.test(file.path)) return 'expected the file, not a page'
  // Servers that do not expose Content-Range to other origins hide it: the length and the digest decide then.
  const contentRange = headers.get('Content-Range')
  if (status === 200 || contentRange === null) return undefined
  const right = [`bytes ${range}/${file.bytes}`, `bytes ${range}/*`]
  return right.includes(contentRange.trim()) ? undefined : `expected Content-Range: ${right[0]}`
}

async function fillExactly(
  download: Download,
  answer: HttpAnswer,
  bytes: Uint8Array<ArrayBuffer>,
  isWhole: boolean,
): Promise<void> {
  if ((await answer.fill(bytes)) < bytes.length) {
    const expected = isWhole ? download.file.bytes : bytes.length
    throw failed(download, answer, `the body ended after ${answer.received()} bytes, expected ${expected}`)
  }
  if (!isWhole && (await answer.fill(new Uint8Array(1))) > 0) {
    throw failed(download, answer, `the body has more than the ${bytes.length} bytes that were asked for`)
  }
}

function failed({ file, url }: Download, answer: HttpAnswer, problem: string): EdgewardError {
  const { status } = answer.response
  const message = `${url} (${file.path}): ${problem}; got ${describeAnswer(answer)}`
  return new EdgewardError('DOWNLOAD_FAILED', message, { details: { url, file: file.path, status } })
}

function wrongDigest({ file, url }: Download, chunk: Chunk, found: string): EdgewardError {
  const { index, digest: expected } = chunk
  const message = `${url}: chunk ${index} of ${file.path} has the SHA-256 ${found}, the manifest says ${expected}; fetched twice`
  return new EdgewardError('INTEGRITY', message, { details: { url, file: file.path, chunk: index, expected, found } })
}
