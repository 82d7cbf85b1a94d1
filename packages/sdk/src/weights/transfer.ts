/** One request for a chunk, and what its answer brings: nobody hears of a chunk before it is verified. */
import type { ManifestFile } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import { allocate } from './chunked-file.js'
import type { Chunk } from './chunks.js'
import type { LowPriority } from './foreground-gate.js'
import { describeAnswer, isHtml, request, type Fetch, type HttpAnswer } from './http.js'
import type { Mirror, Route } from './mirrors.js'
import { retryAfterMs } from './retry-after.js'
import { isDownloadFailure, type DownloadProblem } from './retry.js'
import type { Scratch } from './scratch.js'
import { hasChanged, mayAskIfRange, validatorOf, type Validator } from './validator.js'

/** A chunk that still has to come. */
export interface Wanted {
  readonly chunk: Chunk
  readonly route: Route
  /** Where its bytes come, from the first one on. */
  bytes: Uint8Array<ArrayBuffer> | undefined
  /** How many of them have come, unverified, and where from. */
  filled: number
  /** How many there were at most when a try failed. */
  mostFilled: number
  from: { readonly mirror: Mirror; readonly validator: Validator | undefined } | undefined
  /** The mirror that it came from with a wrong digest. */
  damagedAt: Mirror | undefined
}

export interface Transfer {
  readonly file: ManifestFile
  /** The chunks that nobody asks for yet, in the order of the file. */
  readonly queue: Wanted[]
  readonly signal: AbortSignal
  /** What chunks are verified with. */
  readonly scratch: Scratch
  readonly stallMs: number
  readonly fetch?: Fetch
  readonly priority?: LowPriority | undefined
  /** An answer has begun as it should; the chunks that it brings are off the queue. */
  onAnswer(): void
  onReceived(bytes: number): void
  /** Bytes that were received are of no use. */
  onGivenUp(bytes: number): void
  /** Takes over the chunk's bytes; `validator` is of the file that they are of. */
  onVerified(chunk: Chunk, bytes: Uint8Array<ArrayBuffer>, validator: Validator | undefined): Promise<void>
}

/** A chunk that an answer did not bring. */
export interface Setback {
  readonly wanted: Wanted
  readonly error: EdgewardError
}

/**
 * Asks a mirror for what is missing of a chunk and takes it from the answer; if that is the whole file, everything that
 * is still wanted. Resolves with the first chunk that failed, if any; those after it are back in the queue.
 */
export async function transferChunk(transfer: Transfer, asked: Wanted, mirror: Mirror): Promise<Setback | undefined> {
  let wanted = asked
  let rest: readonly Wanted[] = []
  let answer: HttpAnswer | undefined
  try {
    // Without a digest, nothing but a validator tells that the rest is of the same file.
    const mayGoOn = asked.chunk.digest !== '' || asked.from?.validator !== undefined
    if (asked.from?.mirror !== mirror || !mayGoOn) startAgain(transfer, asked)
    answer = await requestChunk(transfer, asked, mirror)
    const isWhole = answer.response.status === 200
    // Before the first await: whole answers must empty the queue before another lane looks at it.
    rest = isWhole ? [asked, ...transfer.queue.splice(0)].sort((a, b) => a.chunk.offset - b.chunk.offset) : [asked]
    transfer.onAnswer()
    let position = isWhole ? 0 : asked.chunk.offset + asked.filled
    for (let next = rest[0]; next; next = rest[0]) {
      rest = rest.slice(1)
      wanted = next
      if (isWhole) startAgain(transfer, wanted)
      await answer.skip(wanted.chunk.offset + wanted.filled - position)
      position = wanted.chunk.offset + wanted.chunk.bytes
      await receiveChunk(transfer, wanted, mirror, answer)
    }
    return undefined
  } catch (error) {
    transfer.queue.unshift(...rest)
    if (transfer.signal.aborted || !isDownloadFailure(error)) throw error
    return { wanted, error }
  } finally {
    answer?.cancel()
  }
}

async function requestChunk(transfer: Transfer, wanted: Wanted, mirror: Mirror): Promise<HttpAnswer> {
  const { file, signal, stallMs, priority } = transfer
  const { chunk } = wanted
  const { url } = mirror
  const isFile = chunk.bytes === file.bytes && wanted.filled === 0
  const range = isFile ? undefined : ([chunk.offset + wanted.filled, chunk.offset + chunk.bytes - 1] as const)
  const headers: Record<string, string> = range ? { Range: `bytes=${range[0]}-${range[1]}` } : {}
  const known = wanted.from?.validator ?? mirror.validator
  if (range && known?.startsWith('"') && mayAskIfRange(mirror.answeredBy ?? url)) headers['If-Range'] = known
  // Past the HTTP cache: it would keep a second copy of everything, serve old bytes under a new manifest, and
  // (Chromium) let requests for ranges of one address run only one after the other.
  const answer = await request({
    url,
    headers,
    cache: 'no-store',
    signal,
    stallMs,
    priority,
    ...(transfer.fetch && { fetch: transfer.fetch }),
  })
  try {
    checkHead(transfer, mirror, answer, range)
    checkValidator(transfer, wanted, mirror, answer)
    return answer
  } catch (error) {
    answer.cancel()
    throw error
  }
}

/** @throws {EdgewardError} when the answer does not bring what was asked for. */
function checkHead(
  { file }: Transfer,
  mirror: Mirror,
  answer: HttpAnswer,
  range: readonly [first: number, last: number] | undefined,
): void {
  const { status, headers } = answer.response
  const fail = (problem: DownloadProblem, message: string) => failed(file, mirror, answer, problem, message)
  if (status !== 200 && (status !== 206 || range === undefined)) {
    const isBusy = status === 408 || status === 429 || status >= 500
    const expected = range === undefined ? 'status 200' : 'status 206, or 200 with the whole file'
    throw fail(isBusy ? 'busy' : 'refused', `expected ${expected}`)
  }
  if (isHtml(answer) && !/\.html?$/i.test(file.path)) throw fail('wrong-answer', 'expected the file, not a page')
  // Servers that do not expose Content-Range to other origins hide it: the length and the digest decide then.
  const contentRange = headers.get('Content-Range')
  if (status === 200 || range === undefined || contentRange === null) return
  // A server may send less than was asked for: what came is kept, and the rest asked for.
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(contentRange.trim()) ?? []
  const isPart = Number(first) === range[0] && Number(last) <= range[1]
  if (isPart && (total === '*' || Number(total) === file.bytes)) return
  throw fail('wrong-answer', `expected Content-Range: bytes ${range[0]}-${range[1]}/${file.bytes}`)
}

/** @throws {EdgewardError} when the answer would go on with the bytes of another file. */
function checkValidator(transfer: Transfer, wanted: Wanted, mirror: Mirror, answer: HttpAnswer): void {
  const validator = validatorOf(answer.response)
  if (hasChanged(mirror.validator, validator)) mirror.hasChanged = true
  mirror.validator = validator ?? mirror.validator
  mirror.answeredBy = answer.response.url || undefined // Answers that are not the network's have none.
  const before = wanted.from?.validator
  wanted.from = { mirror, validator }
  if (answer.response.status === 206 && wanted.filled > 0 && hasChanged(before, validator)) {
    startAgain(transfer, wanted)
    throw failed(transfer.file, mirror, answer, 'changed', 'the file changed on the server while it was downloaded')
  }
}

/** Fills a chunk's buffer and verifies it. */
async function receiveChunk(transfer: Transfer, wanted: Wanted, mirror: Mirror, answer: HttpAnswer): Promise<void> {
  const { chunk } = wanted
  const { file } = transfer
  const isWhole = answer.response.status === 200
  const bytes = (wanted.bytes ??= allocate(file.path, chunk.bytes))
  wanted.from = { mirror, validator: validatorOf(answer.response) }
  const missing = bytes.subarray(wanted.filled)
  const came = await answer.fill(missing, (piece) => {
    wanted.filled += piece
    transfer.onReceived(piece)
  })
  if (came < missing.length) {
    const expected = isWhole ? file.bytes : missing.length
    const message = `the body ended after ${answer.received()} bytes, expected ${expected}`
    throw failed(file, mirror, answer, 'short', message)
  }
  if (!isWhole && (await hasMore(transfer, answer))) {
    startAgain(transfer, wanted)
    const message = `the body has more than the ${missing.length} bytes that were asked for`
    throw failed(file, mirror, answer, 'wrong-answer', message)
  }
  const found = await transfer.scratch.sha256Hex(bytes)
  // Without a digest, the first answer is believed, and what it says is pinned.
  if (found === chunk.digest || chunk.digest === '') {
    return transfer.onVerified({ ...chunk, digest: found }, bytes, validatorOf(answer.response))
  }
  startAgain(transfer, wanted)
  const isAgain = wanted.damagedAt === mirror
  wanted.damagedAt = mirror
  throw wrongDigest(file, mirror, chunk, found, isAgain)
}

/** Whether a body goes on. One that breaks off here instead of ending has brought what was asked for. */
async function hasMore({ signal }: Transfer, answer: HttpAnswer): Promise<boolean> {
  try {
    return (await answer.fill(new Uint8Array(1))) > 0
  } catch (error) {
    if (signal.aborted || !isDownloadFailure(error)) throw error
    return false
  }
}

/** Gives up what came of a chunk: it is not the beginning of what comes next. */
function startAgain(transfer: Transfer, wanted: Wanted): void {
  if (wanted.filled > 0) transfer.onGivenUp(wanted.filled)
  wanted.filled = 0
  wanted.from = undefined
}

function failed(
  file: ManifestFile,
  { url }: Mirror,
  answer: HttpAnswer,
  problem: DownloadProblem,
  text: string,
): EdgewardError {
  const { status, headers } = answer.response
  const message = `${url} (${file.path}): ${text}; got ${describeAnswer(answer)}`
  const wait = problem === 'busy' ? retryAfterMs(headers, Date.now()) : undefined
  const details = { url, file: file.path, problem, status, ...(wait === undefined ? {} : { retryAfterMs: wait }) }
  return new EdgewardError('DOWNLOAD_FAILED', message, { details })
}

function wrongDigest(
  file: ManifestFile,
  { url }: Mirror,
  chunk: Chunk,
  found: string,
  isAgain: boolean,
): EdgewardError {
  const { index, digest: expected } = chunk
  const problem: DownloadProblem = isAgain ? 'wrong-bytes' : 'damaged'
  const often = isAgain ? '; fetched twice' : ''
  const message = `${url}: chunk ${index} of ${file.path} has the SHA-256 ${found}, the manifest says ${expected}${often}`
  const details = { url, file: file.path, problem, chunk: index, expected, found }
  return new EdgewardError('INTEGRITY', message, { details })
}
