/** The two ways in which a GGUF is refused. */
import { EdgewardError, type ErrorDetails } from '../errors/index.js'

/** It is right, but not for this runtime. */
export function unsupported(problem: string, details: ErrorDetails = {}): EdgewardError {
  return new EdgewardError('MODEL_UNSUPPORTED', `This GGUF cannot be run: ${problem}`, { details })
}

/** It is wrong in itself. */
export function damaged(problem: string, details: ErrorDetails = {}): EdgewardError {
  return new EdgewardError('MANIFEST_INVALID', `This is no GGUF that can be read: ${problem}`, { details })
}
