/** The breakers of a client's endpoints: what plans read of them, what is written down, and health checks. */
import type { Plan } from '../contract/index.js'
import { isEdgewardError, type ErrorCode } from '../errors/index.js'
import { Breaker, type EndpointFailure } from './breaker.js'
import type { EndpointFacts } from './plan-input.js'

export interface EndpointBreakersParts {
  /** Where the state outlives the page. What others write there is kept. */
  readonly storage?: { read(): unknown; write(value: unknown): void }
  /** Asks an endpoint whether it is ready; it may reject. Without it, requests alone show that an endpoint answers again. */
  readonly isReady?: (endpoint: string) => Promise<boolean>
  readonly onChange?: (endpoint: string, state: 'lost' | 'recovered', reason: string) => void
  /** 0 to 1. */
  readonly random?: () => number
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

export class EndpointBreakers {
  readonly #parts: EndpointBreakersParts
  readonly #now: () => number
  readonly #stored: Readonly<Record<string, unknown>>
  readonly #breakers = new Map<string, Breaker>()
  readonly #checking = new Set<string>()

  constructor(parts: EndpointBreakersParts = {}) {
    this.#parts = parts
    this.#now = parts.now ?? Date.now
    this.#stored = recordOf(parts.storage?.read())
  }

  /** What plans read: it rests, or its rest is over (0 ms remain) and it has not answered since. */
  of(endpoint: string): EndpointFacts['resting'] {
    const now = this.#now()
    const state = this.#of(endpoint).at(now)
    if (state.is === 'closed') return undefined
    return { code: state.code, remainingMs: state.is === 'open' ? state.until - now : 0 }
  }

  failed(endpoint: string, failure: EndpointFailure): void {
    const breaker = this.#of(endpoint)
    const wasOpen = breaker.toJSON() !== undefined
    if (!breaker.failed(failure, this.#now())) return
    this.#write()
    if (!wasOpen) this.#parts.onChange?.(endpoint, 'lost', failure.message ?? failure.code)
  }

  /** A request was answered there. */
  succeeded(endpoint: string): void {
    this.#succeeded(endpoint, 'request', 'it has answered a request')
  }

  /**
   * A request is about to be answered by this plan. An endpoint further down whose rest is over is asked in the background
   * whether it is ready, one question at a time; what comes first in a plan is shown to answer by the request itself.
   */
  check({ placements }: Plan): void {
    for (const { placement } of placements.slice(1)) {
      if (placement.engine === 'remote') void this.#check(placement.endpoint)
    }
  }

  /** What was failed for lies behind: the endpoints that rest for it may be asked again. */
  forgive(code: ErrorCode): void {
    const forgiven = [...this.#breakers.values()].filter((breaker) => breaker.forgive(code))
    if (forgiven.length > 0) this.#write()
  }

  async #check(endpoint: string): Promise<void> {
    const { isReady } = this.#parts
    const state = this.#of(endpoint).at(this.#now())
    if (isReady === undefined || state.is !== 'half-open' || this.#checking.has(endpoint)) return
    this.#checking.add(endpoint)
    try {
      if (await isReady(endpoint)) this.#succeeded(endpoint, 'check', 'it says that it is ready')
      else this.failed(endpoint, state)
    } catch (error) {
      // Whatever else it may be says nothing of the endpoint: the next request asks again.
      if (isEdgewardError(error)) this.failed(endpoint, error)
    } finally {
      this.#checking.delete(endpoint)
    }
  }

  #succeeded(endpoint: string, by: 'request' | 'check', reason: string): void {
    if (!this.#of(endpoint).succeeded(by)) return
    this.#write()
    this.#parts.onChange?.(endpoint, 'recovered', reason)
  }

  #of(endpoint: string): Breaker {
    const random = this.#parts.random ?? Math.random
    const breaker = this.#breakers.get(endpoint) ?? new Breaker(random, this.#stored[endpoint])
    this.#breakers.set(endpoint, breaker)
    return breaker
  }

  #write(): void {
    const { storage } = this.#parts
    const own = [...this.#breakers].map(([endpoint, breaker]) => [endpoint, breaker.toJSON()] as const)
    const all = Object.entries({ ...recordOf(storage?.read()), ...Object.fromEntries(own) })
    storage?.write(Object.fromEntries(all.filter(([, state]) => state !== undefined)))
  }
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
