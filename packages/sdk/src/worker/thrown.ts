/** Makes an {@link EdgewardError} of whatever ONNX Runtime, Emscripten or WebAssembly throw: errors, strings, bare numbers, nothing. */
import { EdgewardError, isEdgewardError, messageOf, type ErrorCode } from '../errors/index.js'

/** What browsers, the C++ library, Emscripten and ONNX Runtime say when there is no room. */
const outOfMemory =
  /bad_alloc|bad_array_new_length|out of memory|Aborted\(OOM|enlarge memory|allocation failed|allocat(?:e|ing) memory|allocation size overflow|Invalid (?:typed )?array length|Memory\.grow|grow memory|length too large/i

/**
 * Traps, aborts, and the states that ONNX Runtime never leaves again, also where somebody made a string of what was thrown. Not
 * `[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : …`, which is an ordinary refusal.
 */
const broken =
  /\bRuntimeError|Aborted\(|memory access out of bounds|Out of bounds memory access|(?:^|: )unreachable|call stack size|too much recursion|previous call to '\w+\(\)' failed|multiple calls to '\w+\(\)'|(?:^|ERR: \[\w+\] )\d+$/

/** What an Emscripten exception is of, where its address can be read: the C++ type's mangled name. */
export type TypeOfException = (address: number) => string | undefined

/** Whether `thrown` says that there was no room for something. */
export function isOutOfMemory(thrown: unknown): boolean {
  return outOfMemory.test(messageOf(thrown))
}

/**
 * The thrown value itself if it is an {@link EdgewardError}; else one with `code`, or OUT_OF_MEMORY. `details.thrown` says what
 * came if that was no `Error`; `details.untrusted` is true where the runtime must not be used any more, since a trap, an abort or
 * a lack of memory may have left anything in its heap.
 */
export function fromThrown(
  thrown: unknown,
  code: ErrorCode,
  context: string,
  typeOfException?: TypeOfException,
): EdgewardError {
  if (isEdgewardError(thrown)) return thrown
  const text = describe(thrown, typeOfException)
  const isMemory = outOfMemory.test(text)
  const isUntrusted = isMemory || isTrap(thrown) || broken.test(messageOf(thrown))
  return new EdgewardError(isMemory ? 'OUT_OF_MEMORY' : code, `${context}: ${text}`, {
    details: {
      ...(!(thrown instanceof Error) && { thrown: plain(thrown) }),
      ...(isUntrusted && { untrusted: true }),
    },
    cause: thrown,
  })
}

/** `WebAssembly.RuntimeError` is what traps and aborts throw; C++ exceptions that nobody caught, `WebAssembly.Exception`. */
function isTrap(thrown: unknown): boolean {
  if (typeof thrown === 'number' || typeof thrown === 'bigint') return true
  const name = nameOf(thrown)
  return name === 'RuntimeError' || name === 'WebAssembly.Exception'
}

function describe(thrown: unknown, typeOfException: TypeOfException | undefined): string {
  if (thrown === undefined || thrown === null) return `${thrown} was thrown`
  if (typeof thrown === 'number') {
    const type = typeOfException?.(thrown)
    return `the C++ exception at ${thrown} was thrown${type === undefined ? '' : `, which is of type ${type}`}`
  }
  const name = nameOf(thrown)
  if (name === 'WebAssembly.Exception') return 'a C++ exception was thrown'
  if (thrown instanceof DOMException) return `${name}: ${thrown.message}`
  const message = messageOf(thrown)
  return message === '' ? `${name} was thrown, without a message` : message
}

function nameOf(thrown: unknown): string {
  if (thrown instanceof Error || thrown instanceof DOMException) return thrown.name
  return Object.prototype.toString.call(thrown).slice('[object '.length, -1)
}

/** What can be sent to the page as it is. */
function plain(thrown: unknown): unknown {
  if (thrown instanceof DOMException) return thrown.name
  return typeof thrown === 'object' || typeof thrown === 'function' ? nameOf(thrown) : thrown
}
