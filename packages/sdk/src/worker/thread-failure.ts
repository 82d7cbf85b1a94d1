/** Hears that the threads of a runtime cannot be started, for which Emscripten would wait for ever. */
import { EdgewardError, isEdgewardError } from '../errors/index.js'
import { createDeferred } from '../shared/index.js'

/** What browsers throw when a worker cannot be made, or the memory and the module cannot be sent to it. */
const failures = /\b(?:DataClone|Security|NotSupported|InvalidState)Error\b|Worker is not defined|variable: Worker/

/** Whether a start with threads failed because of them: another one without threads may succeed. */
export function isThreadFailure(error: unknown): boolean {
  return failures.test(String(error)) || (isEdgewardError(error) && error.details['step'] === 'threads')
}

/**
 * Does the work that starts threads. What fails in a promise or a handler of Emscripten's own (Safari refuses to send the
 * memory: https://github.com/microsoft/onnxruntime/issues/11567) is only told to the global scope.
 *
 * @throws EdgewardError RUNTIME_FAILED for which {@link isThreadFailure} is true
 */
export async function withThreads<T>(work: Promise<T>): Promise<T> {
  const failed = createDeferred<never>()
  const fail = (what: unknown) => {
    const message = `The threads of ONNX Runtime cannot be started: ${String(what)}`
    failed.reject(new EdgewardError('RUNTIME_FAILED', message, { details: { step: 'threads' }, cause: what }))
  }
  const onRejection = ({ reason }: PromiseRejectionEvent) => {
    if (isThreadFailure(reason)) fail(reason)
  }
  // A thread's worker whose script does not run: the glue throws its event.
  const onError = ({ error, message }: ErrorEvent) => {
    if (error instanceof Event) fail(`a thread's script does not run (${message})`)
  }
  addEventListener('unhandledrejection', onRejection)
  addEventListener('error', onError)
  try {
    return await Promise.race([work, failed.promise])
  } finally {
    removeEventListener('unhandledrejection', onRejection)
    removeEventListener('error', onError)
  }
}
