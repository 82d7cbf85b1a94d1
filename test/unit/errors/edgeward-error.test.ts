/** The one error class: what it keeps, and how it is recognised wherever it was made. */
import vm from 'node:vm'
import { describe, expect, it, vi } from 'vitest'
import {
  EdgewardError,
  errorRules,
  isAbortError,
  isEdgewardError,
  messageOf,
  toEdgewardError,
  type ErrorCode,
} from '../../../packages/sdk/src/errors/index.js'

describe('the list of codes', () => {
  it.each(Object.keys(errorRules) as ErrorCode[])('has a rule for %s, which its errors follow', (code) => {
    const error = new EdgewardError(code, 'message')
    expect(['placement', 'engine', 'final']).toContain(errorRules[code].fallback)
    expect(error.fallback).toBe(errorRules[code].fallback)
    expect(error.isRetryable).toBe(errorRules[code].retryable)
  })

  it('cannot be changed at run time', () => {
    expect(Object.isFrozen(errorRules)).toBe(true)
  })
})

describe('an EdgewardError', () => {
  it('is an Error with code, details and cause', () => {
    const cause = new TypeError('inner')
    const error = new EdgewardError('RUN_FAILED', 'outer', { details: { graph: 'model' }, cause })
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({ name: 'EdgewardError', code: 'RUN_FAILED', message: 'outer' })
    expect(error.details).toEqual({ graph: 'model' })
    expect(error.cause).toBe(cause)
  })

  it('has no cause when none was given, and empty details', () => {
    const error = new EdgewardError('RUN_FAILED', 'message')
    expect('cause' in error).toBe(false)
    expect(error.details).toEqual({})
  })

  it('is recognised when another copy of the module made it', async () => {
    vi.resetModules()
    const copy = await import('../../../packages/sdk/src/errors/index.js')
    const foreign = new copy.EdgewardError('GPU_LOST', 'message')
    expect(foreign).not.toBeInstanceOf(EdgewardError)
    expect(isEdgewardError(foreign)).toBe(true)
    expect(toEdgewardError(foreign, 'INTERNAL', 'context')).toBe(foreign)
    expect(foreign.fallback).toBe('placement')
  })

  it('is recognised when another realm made it', () => {
    const foreign: unknown = vm.runInNewContext(
      "Object.assign(new Error('x'), { [Symbol.for('edgeward.error')]: true })",
    )
    expect(foreign).not.toBeInstanceOf(Error)
    expect(isEdgewardError(foreign)).toBe(true)
  })

  it.each([undefined, null, 7, 'text', {}, new Error('x'), new DOMException('x', 'AbortError')])(
    'is not taken for %s',
    (value) => {
      expect(isEdgewardError(value)).toBe(false)
    },
  )
})

describe('an abort', () => {
  it('is recognised by its name, of this realm or another', () => {
    expect(isAbortError(AbortSignal.abort().reason)).toBe(true)
    expect(isAbortError(vm.runInNewContext("Object.assign(new Error('x'), { name: 'AbortError' })"))).toBe(true)
    expect(isAbortError(new EdgewardError('DISPOSED', 'x'))).toBe(false)
    expect(isAbortError(undefined)).toBe(false)
  })
})

describe('a thrown value that is no EdgewardError', () => {
  it.each([
    [new RangeError('too long'), 'too long'],
    ['text', 'text'],
    [1234, '1234'],
    [undefined, 'undefined'],
  ])('%s becomes one that keeps it as its cause', (thrown, said) => {
    const error = toEdgewardError(thrown, 'RUN_FAILED', 'The run failed')
    expect(error).toMatchObject({ code: 'RUN_FAILED', message: `The run failed: ${said}` })
    expect(error.cause).toBe(thrown)
    expect(messageOf(thrown)).toBe(said)
  })
})
