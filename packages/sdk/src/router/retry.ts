/**
 * Which endpoints are asked again when nobody has answered, and when. Attempts and delays are those of the "standard" retry
 * mode of AWS's SDKs (`@smithy/core` 3.41): three attempts, full jitter (M. Brooker, "Exponential Backoff And Jitter", 2015).
 *
 * Asking again is safe: inference of the Open Inference Protocol is idempotent, and `Engine.run` either gives the whole answer
 * or fails, so that no byte of an answer that broke off was used.
 */
import type { EdgewardError } from '../errors/index.js'
import type { Candidate } from './attempt-candidate.js'
import type { DispatchContext } from './dispatch-context.js'

/** At one endpoint, the first one included. */
const mostTries = 3
const baseMs = 50
/** After a refusal for load. */
const throttledBaseMs = 1_000
const longestDelayMs = 20_000
/** An endpoint that asks for more than this on top of the delay is not believed: others may have room for it. */
const longestExtraMs = 5_000

/** Statuses that pass: time-out of the request, too early, bad gateway, gateway time-out. 429 and 503 have a code of their own. */
const passingStatuses: ReadonlySet<unknown> = new Set([408, 425, 502, 504])
/** Reasons of REMOTE_UNREACHABLE that stay until somebody does something. */
const lastingReasons: ReadonlySet<unknown> = new Set(['offline', 'cors', 'permission', 'mixed-content', 'tls'])

interface Due {
  readonly candidate: Candidate
  readonly endpoint: string
  readonly isThrottled: boolean
  /** By `performance.now()`. */
  readonly at: number
}

/** The retries of one request. */
export class Retries {
  readonly #context: Pick<DispatchContext, 'retry' | 'deadline'>
  readonly #tries = new Map<string, number>()
  readonly #due: Due[] = []

  constructor(context: Pick<DispatchContext, 'retry' | 'deadline'>) {
    this.#context = context
  }

  /** An attempt has failed. */
  failed(candidate: Candidate, error: EdgewardError): void {
    const { retry } = this.#context
    const { placement } = candidate.planned
    if (retry === undefined || placement.engine !== 'remote') return
    const { endpoint } = placement
    const tries = (this.#tries.get(endpoint) ?? 0) + 1
    this.#tries.set(endpoint, tries)
    if (tries >= triesAfter(error)) return
    const at = performance.now() + retryDelayMs(error, tries - 1, retry.random?.() ?? Math.random())
    this.#due.push({ candidate, endpoint, isThrottled: isThrottling(error), at })
  }

  /** An endpoint has answered. */
  answered({ planned, again }: Candidate): void {
    if (planned.placement.engine === 'remote') {
      this.#context.retry?.budget.answered(again?.kind === 'retry' ? again.spent : undefined)
    }
  }

  /** Takes the endpoint that can be asked again soonest, if any may and can in time. */
  next(): Candidate | undefined {
    const { retry, deadline } = this.#context
    const soonestFirst = this.#due.sort((a, b) => a.at - b.at)
    for (let due = soonestFirst.shift(); retry && due; due = soonestFirst.shift()) {
      const { candidate, endpoint, at } = due
      if (at >= deadline.at || retry.mayRetry?.(endpoint) === false) continue
      const spent = retry.budget.take(due.isThrottled)
      if (spent === undefined) continue
      retry.onRetry?.(candidate.planned.placement, Math.max(0, at - performance.now()))
      return { ...candidate, again: { kind: 'retry', dueAt: at, spent } }
    }
    return undefined
  }
}

/**
 * How long an endpoint is left alone, in milliseconds.
 *
 * @param retries - how often it was asked again before
 * @param random - 0 to 1
 */
export function retryDelayMs(error: EdgewardError, retries: number, random: number): number {
  const base = isThrottling(error) ? throttledBaseMs : baseMs
  const own = random * Math.min(longestDelayMs, base * 2 ** retries)
  const asked = Number(error.details['retryAfterMs'] ?? 0)
  return Math.max(own, Math.min(asked, own + longestExtraMs))
}

/** How often an endpoint that failed so may be tried in all. */
function triesAfter({ code, details }: EdgewardError): number {
  const { status, reason } = details
  if (code === 'REMOTE_OVERLOADED' || passingStatuses.has(status)) return mostTries
  // llama.cpp says 500 for what passes, others for what stays.
  if (status === 500) return 2
  // Who has waited for a whole time-out is not made to wait for it three times.
  if (code !== 'REMOTE_UNREACHABLE' || lastingReasons.has(reason) || details['offline'] === true) return 1
  return reason === 'timeout' || 'timeoutMs' in details ? 2 : mostTries
}

function isThrottling({ code }: EdgewardError): boolean {
  return code === 'REMOTE_OVERLOADED'
}
