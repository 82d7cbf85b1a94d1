/** Reads a JSON body, and refuses one that is wrong with the field's name. */
import { EdgewardError } from 'edgeward'
import { describeIssue } from 'edgeward/manifest'
import * as v from 'valibot'

/** @throws {EdgewardError} `INVALID_INPUT`; `details.param` is the wrong field, such as `messages[0].role`. */
export function readBody<S extends v.GenericSchema>(body: unknown, schema: S): v.InferOutput<S> {
  const parsed = v.safeParse(schema, parseJson(body), { abortEarly: true })
  if (parsed.success) return parsed.output
  const { path, problem } = describeIssue(parsed.issues[0])
  throw wrongField(path === '' ? undefined : path, `${path === '' ? 'the body' : path} ${problem}`)
}

/** A request that this endpoint does not take, and the field that says so. */
export function wrongField(param: string | undefined, message: string): EdgewardError {
  return new EdgewardError('INVALID_INPUT', message, { details: param === undefined ? {} : { param } })
}

function parseJson(body: unknown): unknown {
  if (!(body instanceof Uint8Array) || body.length === 0) throw wrongField(undefined, 'the request has no body')
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    // What a parser says of it quotes the body, and helps nobody.
    throw wrongField(undefined, 'the body is not JSON in UTF-8')
  }
}
