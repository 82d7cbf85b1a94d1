/** Runs one piece of work at a time, and chooses the next one when the last has ended: by lane, then fair between models. */
import type { Lane } from '../contract/index.js'

/** Who waits for a turn. */
export interface Turn {
  /** Read again while it waits: what somebody waits for from now on goes to the lane that it is of by then. */
  readonly lane: Lane
  /** Models of one lane take turns; what is of the same model comes in order. */
  readonly model: string
  /** Work whose signal aborts while it waits leaves at once, and is never started. */
  readonly signal: AbortSignal
  /** Hears how long the work had to wait, in milliseconds, if it had to. */
  onWaited?(ms: number): void
}

interface Waiting {
  readonly turn: Turn
  /** The one in which it stands. */
  lane: Lane
  start(): Promise<void>
}

/** First to last. A lane is served only while the ones before it are empty. */
const lanes = ['interactive', 'default', 'background'] as const satisfies readonly Lane[]

export class LaneQueue {
  /** The models in the order in which they have their turns, each with what waits; a model without work is not there. */
  readonly #waiting: Readonly<Record<Lane, Map<string, Waiting[]>>> = {
    interactive: new Map(),
    default: new Map(),
    background: new Map(),
  }
  #isBusy = false
  /** Whether the messages that came during the last run have been heard. */
  #hasListened = true
  /** How many times everything that waited was done. */
  #ended = 0
  /** How many wait, in all lanes. */
  #count = 0

  /** Runs `work` when it is its turn. */
  run<T>(turn: Turn, work: () => Promise<T>): Promise<T> {
    const { lane, signal } = turn
    return new Promise<T>((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason as Error)
        return
      }
      const cameAt = performance.now()
      const onAbort = () => {
        this.#leave(waiting)
        reject(signal.reason as Error)
      }
      const waiting: Waiting = {
        turn,
        lane,
        start: () => {
          signal.removeEventListener('abort', onAbort)
          if (!isFirst) turn.onWaited?.(performance.now() - cameAt)
          return attempt(work).then(resolve, reject)
        },
      }
      signal.addEventListener('abort', onAbort, { once: true })
      const isIdle = !this.#isBusy
      const isFirst = isIdle && this.#hasListened
      this.#join(waiting)
      if (isIdle) void this.#work()
    })
  }

  #join(waiting: Waiting): void {
    const { lane, turn } = waiting
    const { model } = turn
    this.#count += 1
    const ofModel = this.#waiting[lane].get(model)
    if (ofModel === undefined) this.#waiting[lane].set(model, [waiting])
    else ofModel.push(waiting)
  }

  #leave(waiting: Waiting): void {
    const { lane, turn } = waiting
    const { model } = turn
    this.#count -= 1
    const others = (this.#waiting[lane].get(model) ?? []).filter((other) => other !== waiting)
    if (others.length > 0) this.#waiting[lane].set(model, others)
    else this.#waiting[lane].delete(model)
  }

  async #work(): Promise<void> {
    this.#isBusy = true
    if (!this.#hasListened) await nextTask()
    for (let next = this.#take(); next !== undefined; next = this.#take()) {
      await next.start()
      if (this.#count === 0) break
      await nextTask()
    }
    this.#isBusy = false
    this.#listen()
  }

  /**
   * Runs on WASM block the worker: calls and cancellations that came meanwhile are heard before the next run is chosen, also
   * when that is the next one of the same request. Who comes later does not wait for it.
   */
  #listen(): void {
    this.#hasListened = false
    const ended = (this.#ended += 1)
    void nextTask().then(() => {
      if (ended === this.#ended) this.#hasListened = true
    })
  }

  /** Moves what stands in another lane than it is of now. */
  #sort(): void {
    if (this.#count < 2) return
    const all = lanes.flatMap((lane) => [...this.#waiting[lane].values()].flat())
    for (const waiting of all) {
      const { lane } = waiting.turn
      if (lane === waiting.lane) continue
      this.#leave(waiting)
      waiting.lane = lane
      this.#join(waiting)
    }
  }

  #take(): Waiting | undefined {
    this.#sort()
    for (const lane of lanes) {
      const [first] = this.#waiting[lane]
      if (first === undefined) continue
      const [model, [next, ...others]] = first
      this.#count -= 1
      // The model goes to the end of the line.
      this.#waiting[lane].delete(model)
      if (others.length > 0) this.#waiting[lane].set(model, others)
      return next
    }
    return undefined
  }
}

/** Also what is thrown before the promise is there rejects. */
async function attempt<T>(work: () => Promise<T>): Promise<T> {
  return work()
}

/** Resolves in a task of its own, after the messages that have come; timers would take milliseconds. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(undefined)
  })
}
