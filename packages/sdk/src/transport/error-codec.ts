/** Carries thrown values across the worker boundary: `code`, `details` and `cause` survive. */
import { EdgewardError, isEdgewardError, type ErrorCode, type ErrorDetails } from '../errors/index.js'

/** A thrown value as plain data. */
export type EncodedError =
  | {
      readonly kind: 'edgeward'
      readonly code: ErrorCode
      readonly message: string
      readonly details: ErrorDetails
      readonly cause?: EncodedError
    }
  | { readonly kind: 'dom'; readonly name: string; readonly message: string }
  | { readonly kind: 'error'; readonly name: string; readonly message: string; readonly cause?: EncodedError }
  | { readonly kind: 'value'; readonly value: unknown }

/** How many causes of causes are kept. */
const maxCauses = 8

export function encodeError(thrown: unknown, depth = 0): EncodedError {
  if (isEdgewardError(thrown)) {
    const { code, message } = thrown
    return { kind: 'edgeward', code, message, details: cloneableDetails(thrown.details), ...cause(thrown, depth) }
  }
  if (thrown instanceof DOMException) return { kind: 'dom', name: thrown.name, message: thrown.message }
  if (thrown instanceof Error) {
    return { kind: 'error', name: thrown.name, message: thrown.message, ...cause(thrown, depth) }
  }
  return { kind: 'value', value: cloneable(thrown) }
}

export function decodeError(encoded: EncodedError): unknown {
  switch (encoded.kind) {
    case 'edgeward': {
      const { code, message, details } = encoded
      return new EdgewardError(code, message, { details, ...decodedCause(encoded.cause) })
    }
    case 'dom':
      return new DOMException(encoded.message, encoded.name)
    case 'error': {
      const error = new Error(encoded.message, decodedCause(encoded.cause))
      error.name = encoded.name
      return error
    }
    case 'value':
      return encoded.value
  }
}

function cause(error: Error, depth: number): { cause?: EncodedError } {
  if (error.cause === undefined || depth >= maxCauses) return {}
  return { cause: encodeError(error.cause, depth + 1) }
}

function decodedCause(encoded: EncodedError | undefined): { cause?: unknown } {
  return encoded === undefined ? {} : { cause: decodeError(encoded) }
}

/** Detail by detail, so that one that cannot be cloned does not cost the others. */
function cloneableDetails(details: ErrorDetails): ErrorDetails {
  return Object.fromEntries(Object.entries(details).map(([name, value]) => [name, cloneable(value)]))
}

/** What cannot be cloned (a function, a GPU object) must not hide the error that carries it. */
function cloneable(value: unknown): unknown {
  try {
    return structuredClone(value)
  } catch {
    return String(value)
  }
}
