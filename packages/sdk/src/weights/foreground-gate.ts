/** Holds loads of low priority back while the page needs the network for something that somebody waits for. */
import { abortable, createDeferred } from '../shared/index.js'

/**
 * How long loads are held back at most: an endpoint that hangs must not keep a model away for ever, and no answer that
 * somebody waits for should take longer. Time in which they are not held back is given back to this allowance, so that
 * under requests without end, a load has the link for half of the time.
 */
const longestPauseMs = 10_000

/** Requests of low priority that are open at once: browsers have six connections to a server (HTTP/1.1), paused ones count. */
const mostRequests = 2

type State =
  /** `since` and `allowanceMs`: how long loads could be held back at that time. */
  | { readonly is: 'open'; readonly since: number; readonly allowanceMs: number }
  | {
      readonly is: 'closed'
      readonly since: number
      readonly allowanceMs: number
      readonly timer: ReturnType<typeof setTimeout>
    }

/** One for a worker: what the page last said counts for all its loads. */
export class ForegroundGate {
  readonly #longestPauseMs: number
  #state: State
  #requests = 0
  #openRequests = 0
  /** How long it was closed, until it was opened last. */
  #closedMs = 0
  #changed = createDeferred<void>()

  /** @param pauseMs - how long loads are held back at most; another one for tests */
  constructor(pauseMs = longestPauseMs) {
    this.#longestPauseMs = pauseMs
    this.#state = { is: 'open', since: -Infinity, allowanceMs: pauseMs }
  }

  /** @param requests - how many requests of the page need the network now */
  set(requests: number): void {
    const before = this.#requests
    this.#requests = requests
    if (requests === 0) this.#open()
    else if (requests > before) this.#close()
  }

  get isClosed(): boolean {
    return this.#state.is === 'closed'
  }

  /** Whether there are as many requests of low priority as there may be. */
  get isFull(): boolean {
    return this.#openRequests >= mostRequests
  }

  /** For how long it was closed in all. */
  get closedMs(): number {
    const { is, since } = this.#state
    return is === 'closed' ? this.#closedMs + performance.now() - since : this.#closedMs
  }

  /** Resolves when something has changed that a load may wait for. */
  get changed(): Promise<void> {
    return this.#changed.promise
  }

  /** Counts a request of low priority, until what is returned is called. */
  count(): () => void {
    this.#openRequests += 1
    let isCounted = true
    return () => {
      if (!isCounted) return
      isCounted = false
      this.#openRequests -= 1
      this.wake()
    }
  }

  /** Has whoever waits look again. */
  wake(): void {
    this.#changed.resolve()
    this.#changed = createDeferred()
  }

  #close(): void {
    if (this.#state.is === 'closed') return
    const now = performance.now()
    const allowanceMs = Math.min(this.#longestPauseMs, this.#state.allowanceMs + now - this.#state.since)
    const timer = setTimeout(() => this.#open(), allowanceMs)
    this.#state = { is: 'closed', since: now, allowanceMs, timer }
  }

  #open(): void {
    if (this.#state.is === 'open') return
    const { timer, since, allowanceMs } = this.#state
    clearTimeout(timer)
    const now = performance.now()
    this.#closedMs += now - since
    this.#state = { is: 'open', since: now, allowanceMs: Math.max(0, allowanceMs - (now - since)) }
    this.wake()
  }
}

/** That a load is of low priority, until somebody waits for it. */
export class LowPriority {
  readonly #gate: ForegroundGate
  readonly #whole: LowPriority | undefined
  /** By {@link ForegroundGate.closedMs}. */
  readonly #begunAt: number
  #hastenedAt: number | undefined

  /** @param whole - the load that this one is a part of */
  constructor(gate: ForegroundGate, whole?: LowPriority) {
    this.#gate = gate
    this.#whole = whole
    this.#begunAt = this.#heldUntil
  }

  get isLow(): boolean {
    return this.#hastenedAt === undefined && (this.#whole?.isLow ?? true)
  }

  /** For how long this load was held back in all: rates leave it out. */
  get heldMs(): number {
    return this.#heldUntil - this.#begunAt
  }

  /** The priority of one file of this load, which may be hastened without the others. */
  ofPart(): LowPriority {
    return new LowPriority(this.#gate, this)
  }

  /** Somebody waits for it: it is held back no more. */
  hasten(): void {
    if (!this.isLow) return
    this.#hastenedAt = this.#gate.closedMs
    this.#gate.wake()
  }

  /** Resolves when it is hastened. On abort, rejects with `signal.reason`. */
  async hastened(signal: AbortSignal): Promise<void> {
    while (this.isLow) await abortable(this.#gate.changed, signal)
  }

  /** Resolves when bytes may be read. On abort, rejects with `signal.reason`. */
  async mayRead(signal: AbortSignal): Promise<void> {
    while (this.isLow && this.#gate.isClosed) await abortable(this.#gate.changed, signal)
  }

  /** Resolves when a request may be sent, with what says that it is over. On abort, rejects with `signal.reason`. */
  async mayAsk(signal: AbortSignal): Promise<() => void> {
    while (this.isLow && (this.#gate.isClosed || this.#gate.isFull)) await abortable(this.#gate.changed, signal)
    return this.isLow ? this.#gate.count() : () => undefined
  }

  get #heldUntil(): number {
    return this.#hastenedAt ?? (this.#whole ? this.#whole.#heldUntil : this.#gate.closedMs)
  }
}
