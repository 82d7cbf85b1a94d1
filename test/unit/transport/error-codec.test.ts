/** Errors that cross the worker boundary: through structured cloning, as they travel. */
import { describe, expect, it } from 'vitest'
import { EdgewardError, isAbortError, isEdgewardError } from '../../../packages/sdk/src/errors/index.js'
import { decodeError, encodeError } from '../../../packages/sdk/src/transport/error-codec.js'

/** What arrives on the other side. */
const carry = (thrown: unknown): unknown => decodeError(structuredClone(encodeError(thrown)))

describe('an error that crosses the worker boundary', () => {
  it('keeps code, message, details and nested causes', () => {
    const root = new TypeError('root')
    const middle = new EdgewardError('SESSION_FAILED', 'middle', { details: { graph: 'model' }, cause: root })
    const thrown = new EdgewardError('RUN_FAILED', 'outer', { details: { position: 3n }, cause: middle })
    const arrived = carry(thrown) as EdgewardError
    expect(arrived).toBeInstanceOf(EdgewardError)
    expect(arrived).toMatchObject({ code: 'RUN_FAILED', message: 'outer', details: { position: 3n } })
    expect(arrived.fallback).toBe('placement')
    expect(arrived.cause).toBeInstanceOf(EdgewardError)
    expect(arrived.cause).toMatchObject({ code: 'SESSION_FAILED', details: { graph: 'model' } })
    expect((arrived.cause as Error).cause).toMatchObject({ name: 'TypeError', message: 'root' })
  })

  it("stays the platform's AbortError", () => {
    const arrived = carry(AbortSignal.abort().reason)
    expect(arrived).toBeInstanceOf(DOMException)
    expect(isAbortError(arrived)).toBe(true)
    expect(carry(new DOMException('late', 'TimeoutError'))).toMatchObject({ name: 'TimeoutError', message: 'late' })
  })

  it('keeps name, message and cause of a plain error', () => {
    const arrived = carry(new RangeError('too long', { cause: 'memory' })) as Error
    expect(arrived).toBeInstanceOf(Error)
    expect(arrived).toMatchObject({ name: 'RangeError', message: 'too long', cause: 'memory' })
    expect(isEdgewardError(arrived)).toBe(false)
  })

  it('has no cause where there was none', () => {
    expect('cause' in (carry(new Error('alone')) as Error)).toBe(false)
    expect('cause' in (carry(new EdgewardError('INTERNAL', 'alone')) as Error)).toBe(false)
  })

  it.each([123456, 'text', null, undefined, { reason: 'mine' }])('keeps the thrown value %j', (thrown) => {
    expect(carry(thrown)).toEqual(thrown)
  })

  it('keeps the details that can be cloned beside one that cannot', () => {
    const details = { bytes: 42, device: () => 'a GPU object' }
    expect((carry(new EdgewardError('GPU_LOST', 'x', { details })) as EdgewardError).details).toEqual({
      bytes: 42,
      device: String(details.device),
    })
    expect(carry(Symbol('odd'))).toBe('Symbol(odd)')
  })

  it('ends at some depth when causes go round in a circle', () => {
    const circular = new Error('circle')
    circular.cause = circular
    let depth = 0
    for (let error = carry(circular) as Error; error.cause !== undefined; error = error.cause as Error) depth += 1
    expect(depth).toBe(8)
  })
})
