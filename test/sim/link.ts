/** The network of one visit: requests, and a download beside them that may have to wait. */
import type { Clock } from './clock.js'
import type { Random } from './random.js'
import type { Visit } from './visits.js'
import { network } from './world.js'

export class Link {
  /** Bytes of weights that came. */
  downloadedBytes = 0
  readonly #clock: Clock
  readonly #visit: Visit
  readonly #random: Random
  readonly #isPausing: boolean
  #foreground = 0
  #hasConnected = false
  /** Told when what a download gets of the link changes. */
  #onChange: (() => void) | undefined

  /** @param isPausing - whether a download waits while requests are under way; else they share the link */
  constructor(clock: Clock, visit: Visit, random: Random, isPausing: boolean) {
    this.#clock = clock
    this.#visit = visit
    this.#random = random
    this.#isPausing = isPausing
  }

  /** The way there and back of one request. False: there was no network. */
  async travel(serve: () => Promise<void>, signal: AbortSignal): Promise<boolean> {
    this.#change(1)
    try {
      const [thereMs, backMs] = this.#tripMs()
      if (!(await this.#pass(thereMs, signal))) return false
      await serve()
      return await this.#pass(backMs, signal)
    } finally {
      this.#change(-1)
    }
  }

  /** Fetches weights; a cut only delays it. */
  async download(bytes: number): Promise<void> {
    let left = bytes
    while (left > 0) {
      const from = this.#clock.now
      const rate = this.#downloadRate()
      await this.#untilChangeOr(rate === 0 ? Infinity : this.#withCuts(from, (left / rate) * 1000) - from)
      const upMs = this.#clock.now - from - this.#cutBetween(from, this.#clock.now)
      const arrived = (rate * upMs) / 1000
      left = arrived > left - 1 ? 0 : left - arrived
    }
    this.downloadedBytes += bytes
  }

  #tripMs(): readonly [number, number] {
    const { roundTripMs, bytesPerSecond } = this.#visit
    const trips = this.#hasConnected ? 1 : network.firstRoundTrips
    const shared = !this.#isPausing && this.#onChange !== undefined ? 2 : 1
    const transferMs = (network.bytesPerRequest / bytesPerSecond) * 1000 * shared
    const lossMs = this.#random.chance(network.loss.share) ? network.loss.ms + 3 * roundTripMs : 0
    const ms = roundTripMs * this.#random.noise(network.noise)
    return [ms * (trips - 0.5) + transferMs / 2 + lossMs, ms / 2 + transferMs / 2]
  }

  async #pass(ms: number, signal: AbortSignal): Promise<boolean> {
    const from = this.#clock.now
    const isCut = this.#cutBetween(from, from + ms) > 0
    await this.#clock.wait(isCut ? network.cutNoticedMs : ms, signal)
    if (!isCut) this.#hasConnected = true
    return !isCut
  }

  #downloadRate(): number {
    if (this.#foreground === 0) return this.#visit.bytesPerSecond
    return this.#isPausing ? 0 : this.#visit.bytesPerSecond / 2
  }

  #change(by: number): void {
    this.#foreground += by
    this.#onChange?.()
  }

  #untilChangeOr(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        cancel?.()
        this.#onChange = undefined
        resolve()
      }
      this.#onChange = done
      const cancel = ms === Infinity ? undefined : this.#clock.after(ms, done)
    })
  }

  /** When `ms` milliseconds with a network have passed. */
  #withCuts(from: number, ms: number): number {
    let until = from + ms
    for (const { fromMs, toMs } of this.#visit.cuts) {
      if (toMs <= from) continue
      if (fromMs >= until) break
      until += toMs - Math.max(fromMs, from)
    }
    return until
  }

  #cutBetween(from: number, to: number): number {
    return this.#visit.cuts.reduce((sum, { fromMs, toMs }) => {
      return sum + Math.max(0, Math.min(to, toMs) - Math.max(from, fromMs))
    }, 0)
  }
}
