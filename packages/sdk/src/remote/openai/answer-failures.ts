/** What an endpoint's failures mean: before, in and behind a streamed answer. */
import { EdgewardError, type ErrorCode } from '../../errors/index.js'
import { concatBytes } from '../../shared/index.js'
import { answerError, codeOf, describeError, isSuccess } from '../answer-error.js'
import type { EndpointAnswer, EndpointStream } from '../endpoint.js'
import type { Field } from '../oip/field.js'

/** What servers say of a prompt that is too long, in their message or its type. */
const overflow =
  /exceed_context_size|context_length_exceeded|maximum context length|maximum model length|exceeds? (?:the )?(?:available )?context/i

/** The error for an answer whose status is not a success. */
export function refusal(answer: EndpointAnswer): EdgewardError {
  const error = answerError(answer)
  const isOverflow = error.code !== 'REMOTE_UNAUTHORIZED' && overflow.test(new TextDecoder().decode(answer.body))
  return isOverflow ? new EdgewardError('CONTEXT_OVERFLOW', error.message, { details: error.details }) : error
}

/** @throws EdgewardError for an answer that is no stream of events */
export async function checkIsStream(answer: EndpointStream): Promise<void> {
  const { url, status, headers } = answer
  const type = headers.get('Content-Type')
  if (isSuccess({ status }) && (type === null || /^text\/event-stream\b/i.test(type))) return
  const chunks: Uint8Array[] = []
  for await (const chunk of answer.chunks) chunks.push(chunk)
  const body = concatBytes(chunks)
  if (!isSuccess({ status })) throw refusal({ url, status, headers, body })
  const text = new TextDecoder().decode(body.subarray(0, 200))
  throw (
    errorIn(body, url) ??
    new EdgewardError('REMOTE_MALFORMED', `${url} answered with ${type ?? 'nothing'} instead of a stream: ${text}`, {
      details: { url, status, contentType: type },
    })
  )
}

/** The error that an event tells of; undefined: it tells of none. */
export function eventError(event: Field, url: string): EdgewardError | undefined {
  const isError = event.get('object').value === 'error'
  const error = isError ? event : event.get('error')
  if (error.isAbsent) return undefined
  const said = describeError(error.value)
  return new EdgewardError(errorCode(error.value, said), `${url} failed while it answered: ${said}`, {
    details: { url },
  })
}

/** A reason to end that is no good one. */
export function endedBadly(reason: string, url: string): EdgewardError {
  const code: ErrorCode = reason === 'content_filter' ? 'REMOTE_REJECTED' : 'REMOTE_FAILED'
  const message = `${url} ended its answer with the reason ${JSON.stringify(reason)}`
  return new EdgewardError(code, message, { details: { url, finishReason: reason } })
}

/** An answer that ended without a reason. */
export function endedWithoutReason(url: string, isDone: boolean, isBegun: boolean): EdgewardError {
  const how = isDone ? 'said that it was done' : 'ended its answer'
  const what = isBegun ? 'without a reason to end (finish_reason): it was cut off' : 'without having answered'
  return new EdgewardError('REMOTE_FAILED', `${url} ${how} ${what}`, { details: { url } })
}

function errorIn(body: Uint8Array, url: string): EdgewardError | undefined {
  try {
    const { error } = JSON.parse(new TextDecoder().decode(body)) as { readonly error?: unknown }
    if (error === undefined || error === null) return undefined
    const said = describeError(error)
    return new EdgewardError(errorCode(error, said), `${url} failed: ${said}`, { details: { url } })
  } catch {
    return undefined // Not JSON: it is not what was asked for either.
  }
}

/** Some servers tell the status that the answer would have had. */
function errorCode(error: unknown, said: string): ErrorCode {
  if (overflow.test(JSON.stringify(error))) return 'CONTEXT_OVERFLOW'
  const status = Number((error as { readonly code?: unknown }).code)
  return status >= 400 && status < 600 ? codeOf(status, said) : 'REMOTE_FAILED'
}
