/** Brings missing chunks of a file from the network, a few at once, from whichever mirror has them. */
import type { ManifestFile } from '../contract/index.js'
import type { Chunk } from './chunks.js'
import { LaneCount } from './concurrency.js'
import type { LowPriority } from './foreground-gate.js'
import type { Fetch } from './http.js'
import { Lanes } from './lanes.js'
import { Mirrors, Route, type Mirror, type RuledOutMirrors } from './mirrors.js'
import { pause, retryDelayMs, type DownloadProblem, type RetrySettings } from './retry.js'
import type { Scratch } from './scratch.js'
import { transferChunk, type Setback, type Transfer, type Wanted } from './transfer.js'
import type { Validator } from './validator.js'

export interface Download extends RetrySettings {
  readonly file: ManifestFile
  /** Where the file is: its mirrors, the first to be asked first. */
  readonly urls: readonly string[]
  /** The mirrors that no download asks any more; this one may add to them. */
  readonly ruledOut: RuledOutMirrors
  /** The chunks that are wanted, in the order of the file. */
  readonly chunks: readonly Chunk[]
  readonly signal: AbortSignal
  readonly scratch: Scratch
  readonly stallMs: number
  /** The platform's, when absent. */
  readonly fetch?: Fetch
  /** Absent: it is held back by nothing. */
  readonly priority?: LowPriority | undefined
  /** How many requests there are at once in the beginning; what they bring decides how many there are later. */
  readonly parallelRequests: number
  /** How long the throughput of a number of requests is measured. */
  readonly throughputWindowMs: number
  /** Bytes came; fewer than none when they turned out useless. In the end, they add up to those of the chunks. */
  onBytes(bytes: number): void
  /**
   * A chunk is verified, and its bytes are handed over; the download waits before it goes on, and ends when that fails.
   * `validator` is of the file that they are of.
   */
  onVerified(chunk: Chunk, bytes: Uint8Array<ArrayBuffer>, validator: Validator | undefined): Promise<void>
}

/** A download that is under way. */
interface Running extends Transfer, RetrySettings {
  readonly mirrors: Mirrors
}

/** Browsers open no more than six connections to one server with HTTP/1.1. */
const maxLanes = 6

/** A failed try that got this part of its chunk further begins the count anew: lossy links that work get through. */
const gettingOn = 1 / 16

/**
 * Fetches chunks by Range requests, a few at once. A server that ignores Range answers the first request with the whole
 * file, and that one answer then serves all chunks. What fails is asked for again by {@link retryDelayMs}, from the next
 * mirror where there is one; a chunk with a wrong digest is fetched once more from the same.
 *
 * @throws {EdgewardError} `DOWNLOAD_FAILED`, or `INTEGRITY` when a chunk was wrong twice at every mirror.
 */
export async function downloadChunks(options: Download): Promise<void> {
  if (options.chunks.length === 0) return
  const end = new AbortController()
  const queue = options.chunks.map((chunk): Wanted => ({
    chunk,
    route: new Route(),
    bytes: undefined,
    filled: 0,
    mostFilled: 0,
    from: undefined,
    damagedAt: undefined,
  }))
  const bring = async (wanted: Wanted) => {
    try {
      await bringChunk(download, wanted)
    } catch (error) {
      end.abort(error) // The other lanes stop too, but not before a chunk that is there is stored.
      throw error
    }
  }
  const lanes = new Lanes(queue, options.parallelRequests, bring)
  const { parallelRequests } = options
  const count = new LaneCount(
    parallelRequests,
    { minLanes: Math.min(2, parallelRequests), maxLanes },
    options.throughputWindowMs,
  )
  const download: Running = {
    ...options,
    mirrors: new Mirrors(options.urls, options.file.path, options.ruledOut),
    queue,
    signal: AbortSignal.any([options.signal, end.signal]),
    // Only the first answer tells whether the server knows Range: the other lanes open when it is there.
    onAnswer: () => lanes.open(),
    onReceived: (bytes) => {
      // While a load is held back, or to fewer requests, what they bring says nothing of how many serve it best.
      if (!options.priority?.isLow) lanes.setLimit(count.received(bytes, performance.now()))
      options.onBytes(bytes)
    },
    onGivenUp: (bytes) => options.onBytes(-bytes),
    onVerified: (...verified) => options.onVerified(...verified),
  }
  await lanes.run()
}

/** Asks for a chunk until it is there, or nobody is left to ask. */
async function bringChunk(download: Running, first: Wanted): Promise<void> {
  let wanted = first
  let mirror = await nextMirror(download, wanted)
  for (;;) {
    const setback = await transferChunk(download, wanted, mirror)
    if (!setback) return
    // An answer with the whole file can fail at another chunk than the one that was asked for.
    wanted = setback.wanted
    const mayBeAskedAgain = noteSetback(download, setback, mirror)
    mirror = mayBeAskedAgain ? mirror : await nextMirror(download, wanted)
  }
}

/** Remembers what a failure says of the mirror; returns whether that mirror is to be asked again at once. */
function noteSetback(download: Running, { wanted, error }: Setback, mirror: Mirror): boolean {
  const { mirrors } = download
  const { route, chunk } = wanted
  const problem = error.details['problem'] as DownloadProblem
  // Whether the mirror is to blame, or the way, only the mirror itself can tell.
  if (problem === 'damaged') return true
  const gotOn = wanted.filled >= wanted.mostFilled + chunk.bytes * gettingOn
  wanted.mostFilled = Math.max(wanted.mostFilled, wanted.filled)
  const tries = route.count(mirror, gotOn)
  // What came of the chunk can be gone on with there only: another mirror would begin it anew.
  if (gotOn && (problem === 'network' || problem === 'short')) return true
  const delayMs = retryDelayMs(error, tries, download)
  const readyAt = delayMs === undefined ? Infinity : performance.now() + delayMs
  route.failed(mirror, error, readyAt)
  mirrors.putLast(mirror)
  if (problem === 'refused' || problem === 'wrong-bytes') mirrors.ruleOut(mirror, error)
  if (problem === 'busy' && delayMs !== undefined) mirror.readyAt = Math.max(mirror.readyAt, readyAt)
  return false
}

/** The mirror to ask next, as soon as it may be asked. */
async function nextMirror({ mirrors, signal, file }: Running, { route }: Wanted): Promise<Mirror> {
  for (;;) {
    const next = route.next(mirrors, performance.now())
    if (!next) throw route.failure(mirrors, file.path)
    if (next.delayMs <= 0) return next.mirror
    // Meanwhile, other chunks may hear that it is busy for longer, or not to be asked at all.
    await pause(next.delayMs, signal)
  }
}
