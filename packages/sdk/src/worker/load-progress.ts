/** Counts what comes of a load, and tells it: often enough to be smooth, not so often that it costs. */
import type { DownloadProgress, LoadPhase } from '../contract/index.js'
import { TransferRate } from './transfer-rate.js'

/** How a load is coming along; whose it is, the page knows. */
export type LoadSnapshot = Omit<DownloadProgress, 'model'>

/** Bytes alone are told no more often than this: twenty times a second looks smooth. */
const apartMs = 50
/** While nothing comes, the rate falls: that is told as well. */
const heartbeatMs = 1_000

export class LoadProgress {
  readonly #totalBytes: number
  readonly #tell: (snapshot: LoadSnapshot) => void
  readonly #heldMs: () => number
  readonly #rate = new TransferRate()
  #phase: LoadPhase = 'download'
  #cachedBytes = 0
  #networkBytes = 0
  /** The most that was ever there: bytes that turn out wrong and come again are not told as lost. */
  #loadedBytes = 0
  #toldAt = -Infinity
  #timer: ReturnType<typeof setTimeout> | undefined
  /** When the timer fires. */
  #dueAt = Infinity
  #isOver = false

  /** @param heldMs - for how long the load was held back so far: the rate leaves that out */
  constructor(totalBytes: number, tell: (snapshot: LoadSnapshot) => void, heldMs: () => number = () => 0) {
    this.#totalBytes = totalBytes
    this.#tell = tell
    this.#heldMs = heldMs
  }

  /** How many bytes the cache lacks, as soon as that is known. */
  missing(bytes: number): void {
    if (bytes > 0) this.#rate.start(this.#now())
    this.phase(bytes > 0 ? 'download' : 'verify')
  }

  /** Bytes came; a negative number of them has to come again. */
  received(bytes: number, from: 'cache' | 'network'): void {
    if (from === 'cache') this.#cachedBytes += bytes
    else this.#networkBytes += bytes
    if (from === 'network' && bytes > 0) this.#rate.received(bytes, this.#now())
    const before = this.#loadedBytes
    this.#loadedBytes = Math.max(before, Math.min(this.#totalBytes, this.#cachedBytes + this.#networkBytes))
    // A cached chunk that was wrong after all comes from the network.
    if (from === 'network' && this.#phase === 'verify') this.phase('download')
    else if (this.#loadedBytes === before) return
    else this.#tellBy(this.#loadedBytes === this.#totalBytes ? -Infinity : this.#toldAt + apartMs)
  }

  /** What the load waits for from now on. */
  phase(phase: LoadPhase): void {
    const isNew = phase !== this.#phase || this.#toldAt === -Infinity
    this.#phase = phase
    if (isNew) this.#tellNow()
  }

  /** Every file is there: what was not counted was in memory already. */
  complete(): void {
    if (this.#loadedBytes < this.#totalBytes) this.received(this.#totalBytes - this.#loadedBytes, 'cache')
    this.end()
  }

  /** Tells no more. */
  end(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
  }

  #tellBy(time: number): void {
    const now = performance.now()
    if (time <= now) this.#tellNow()
    else if (time < this.#dueAt) this.#setTimer(time, time - now)
  }

  #tellNow(): void {
    if (this.#isOver) return
    clearTimeout(this.#timer)
    this.#dueAt = Infinity
    const now = performance.now()
    this.#toldAt = now
    const isArriving = this.#phase === 'download' && this.#loadedBytes < this.#totalBytes
    if (isArriving) this.#setTimer(now + heartbeatMs, heartbeatMs)
    this.#tell(this.#snapshot(isArriving))
  }

  #setTimer(dueAt: number, delayMs: number): void {
    clearTimeout(this.#timer)
    if (this.#isOver) return
    this.#dueAt = dueAt
    this.#timer = setTimeout(() => this.#tellNow(), delayMs)
  }

  #now(): number {
    return performance.now() - this.#heldMs()
  }

  #snapshot(isArriving: boolean): LoadSnapshot {
    const loadedBytes = this.#loadedBytes
    const totalBytes = this.#totalBytes
    const cachedBytes = Math.min(this.#cachedBytes, loadedBytes)
    const told = { phase: this.#phase, loadedBytes, totalBytes, cachedBytes }
    const bytesPerSecond = isArriving ? this.#rate.bytesPerSecond(this.#now()) : undefined
    if (bytesPerSecond === undefined) return told
    if (bytesPerSecond === 0) return { ...told, bytesPerSecond }
    return { ...told, bytesPerSecond, remainingMs: ((totalBytes - loadedBytes) / bytesPerSecond) * 1_000 }
  }
}
