/** What an answer that is not a success means: which code, and what the server said. */
import { EdgewardError, type ErrorCode } from '../errors/index.js'
import type { EndpointAnswer } from './endpoint.js'

const maxMessageLength = 500
/** A day: more is a mistake, or means never. */
const longestRetryAfterMs = 86_400_000

export function isSuccess({ status }: Pick<EndpointAnswer, 'status'>): boolean {
  return status >= 200 && status < 300
}

/** The error for an answer whose status is not a success; `details` has `status`, `url` and maybe `retryAfterMs`, a day at most. */
export function answerError(answer: EndpointAnswer): EdgewardError {
  const { status, url, headers } = answer
  const text = serverMessage(new TextDecoder().decode(answer.body))
  const retryAfterMs = parseRetryAfter(headers)
  return new EdgewardError(codeOf(status, text), `${url} answered ${status}${text ? `: ${text}` : ''}`, {
    details: { status, url, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
  })
}

/** What a status means; `text` is what came with it. */
export function codeOf(status: number, text: string): ErrorCode {
  if (status === 401 || status === 403) return 'REMOTE_UNAUTHORIZED'
  // Triton also says 400 for a model that it does not have.
  if (status === 404 || (status === 400 && /unknown model/i.test(text))) return 'REMOTE_NOT_FOUND'
  if (status === 429 || status === 503) return 'REMOTE_OVERLOADED'
  if (status >= 500) return 'REMOTE_FAILED'
  return status >= 400 ? 'REMOTE_REJECTED' : 'REMOTE_MALFORMED'
}

/** What the body says: `{"error": …}`, where that may have a `message`, `{"detail": …}`, or plain text. Their labels are no help. */
function serverMessage(body: string): string {
  return describeError(parseMessage(body)).trim().slice(0, maxMessageLength)
}

function parseMessage(body: string): unknown {
  try {
    const { error, detail } = JSON.parse(body) as Record<string, unknown>
    return error ?? detail ?? body
  } catch {
    // Plain text, then: it is the message.
    return body
  }
}

/** What the value of an `error` says. */
export function describeError(message: unknown): string {
  if (typeof message === 'string') return message
  if (Array.isArray(message)) return message.map(describeError).join('; ')
  // FastAPI's validation errors: where, and what.
  const { loc, msg, message: text } = (message ?? {}) as Record<string, unknown>
  if (typeof text === 'string') return text
  if (typeof msg === 'string') return Array.isArray(loc) ? `${loc.join('.')}: ${msg}` : msg
  return JSON.stringify(message)
}

/**
 * Seconds or a date, as HTTP has it. The server's own clock counts, where it is told: CORS hides that, as it hides what the
 * server does not expose.
 */
function parseRetryAfter(headers: Headers): number | undefined {
  const value = headers.get('Retry-After')
  if (value === null) return undefined
  const now = Date.parse(headers.get('Date') ?? '') || Date.now()
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now
  return Number.isNaN(ms) ? undefined : Math.min(longestRetryAfterMs, Math.max(0, Math.round(ms)))
}
