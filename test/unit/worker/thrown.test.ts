/** Whatever is thrown below Edgeward comes out as one of its errors, and says whether the runtime can still be used. */
import { describe, expect, it } from 'vitest'
import { EdgewardError } from '../../../packages/sdk/src/errors/index.js'
import { fromThrown } from '../../../packages/sdk/src/worker/thrown.js'

const normal = (thrown: unknown) => fromThrown(thrown, 'RUN_FAILED', 'The run failed')

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name })
}

describe('what is thrown', () => {
  it.each([
    ['the C++ library', new Error('failed to call OrtRun(). ERROR_CODE: 6, ERROR_MESSAGE: std::bad_alloc')],
    ['ONNX Runtime', new Error('Failed to allocate memory for requested buffer of size 268435456')],
    ['V8, of a buffer', new RangeError('Array buffer allocation failed')],
    ['V8, of an array', new RangeError('Invalid array length')],
    ['V8, of a typed array', new RangeError('Invalid typed array length: 4294967296')],
    ['V8, of WebAssembly', new RangeError('WebAssembly.Memory.grow(): Maximum memory size exceeded')],
    [
      'V8, of an instance',
      new RangeError('WebAssembly.instantiate(): Out of memory: Cannot allocate Wasm memory for new instance'),
    ],
    ['SpiderMonkey', named('InternalError', 'allocation size overflow')],
    ['JavaScriptCore', new RangeError('Out of memory')],
    ['Emscripten', named('RuntimeError', 'Aborted(OOM). Build with -sASSERTIONS for more info.')],
    ['a string', 'out of memory'],
  ])('says that memory ran out, and that the runtime cannot be trusted: %s', (_who, thrown) => {
    expect(normal(thrown)).toMatchObject({ code: 'OUT_OF_MEMORY', details: { untrusted: true }, cause: thrown })
  })

  it.each([
    ['a trap of V8', named('RuntimeError', 'memory access out of bounds')],
    ['a trap of JavaScriptCore', named('RuntimeError', 'Out of bounds memory access (evaluating …)')],
    ['unreachable code', named('RuntimeError', 'unreachable')],
    ['an abort', named('RuntimeError', 'Aborted(). Build with -sASSERTIONS for more info.')],
    [
      'an abort, as ONNX Runtime quotes it',
      new Error('no available backend found. ERR: [wasm] RuntimeError: Aborted()'),
    ],
    ['a bare number', 1_991_937_888],
    ['a bare number, as ONNX Runtime quotes it', new Error('no available backend found. ERR: [wasm] 1991937888')],
    ['a stack that was too deep', new RangeError('Maximum call stack size exceeded')],
    ['a sticky state', new Error("previous call to 'initWasm()' failed.")],
    ['another sticky state', new Error("multiple calls to 'initializeWebAssembly()' detected.")],
  ])('leaves a runtime that cannot be trusted: %s', (_what, thrown) => {
    expect(normal(thrown)).toMatchObject({ code: 'RUN_FAILED', details: { untrusted: true }, cause: thrown })
  })

  it.each([
    ['an error of ONNX Runtime', new Error("input 'x' is missing in 'feeds'.")],
    [
      'a refusal of ONNX Runtime',
      new Error('ERROR_CODE: 2, [ONNXRuntimeError] : 2 : INVALID_ARGUMENT : The shape is wrong.'),
    ],
    ['a RangeError that has nothing to do with memory', new RangeError('offset is out of bounds')],
    ['a text', 'both async and sync fetching of the wasm failed'],
    ['nothing', undefined],
    ['null', null],
    ['an object', {}],
    ['a DOMException', new DOMException('The GPU said no.', 'OperationError')],
  ])('leaves a runtime that goes on: %s', (_what, thrown) => {
    const error = normal(thrown)
    expect(error.code).toBe('RUN_FAILED')
    expect(error.details).not.toHaveProperty('untrusted')
  })

  it('is told in words and kept as data, when it is no error', () => {
    expect(normal('a text')).toMatchObject({ message: 'The run failed: a text', details: { thrown: 'a text' } })
    expect(normal(undefined).message).toBe('The run failed: undefined was thrown')
    expect(normal(7)).toMatchObject({
      message: 'The run failed: the C++ exception at 7 was thrown',
      details: { thrown: 7 },
    })
    expect(normal(new DOMException('no', 'DataCloneError'))).toMatchObject({
      message: 'The run failed: DataCloneError: no',
    })
    expect(normal(new Error('')).message).toBe('The run failed: Error was thrown, without a message')
  })

  it('says that memory ran out, when the number is the address of such an exception', () => {
    const error = fromThrown(4096, 'RUN_FAILED', 'The run failed', (address) =>
      address === 4096 ? 'St9bad_alloc' : undefined,
    )
    expect(error).toMatchObject({ code: 'OUT_OF_MEMORY', details: { thrown: 4096, untrusted: true } })
    expect(error.message).toContain('St9bad_alloc')
  })

  it('stays what it is, when it is an error of Edgeward', () => {
    const error = new EdgewardError('GPU_LOST', 'gone')
    expect(normal(error)).toBe(error)
  })
})
