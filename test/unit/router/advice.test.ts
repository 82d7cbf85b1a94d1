/** What a caller hears to do when nobody has answered. */
import { describe, expect, it } from 'vitest'
import { EdgewardError, errorRules, type ErrorCode, type ErrorDetails } from '../../../packages/sdk/src/errors/index.js'
import { adviceFor } from '../../../packages/sdk/src/router/advice.js'
import { dispatch } from '../../../packages/sdk/src/router/index.js'
import { everything, failWith, planOf, remote, request, setUp, wasm } from './dispatching.js'

const fail =
  (code: ErrorCode, details: ErrorDetails = {}, cause?: unknown) =>
  () =>
    Promise.reject(new EdgewardError(code, code, { details, cause }))

describe('the advice', () => {
  it('names the header that is missing when the endpoint does not allow this page', async () => {
    const { context } = setUp({ remote: fail('REMOTE_UNREACHABLE', { reason: 'cors' }) })
    const failed = dispatch(planOf([remote]), request, context)
    const sentence = expect.stringContaining('Access-Control-Allow-Origin') as string
    await expect(failed).rejects.toMatchObject({
      code: 'REMOTE_UNREACHABLE',
      message: sentence,
      details: { reason: 'cors', advice: [sentence] },
    })
  })

  it('is one sentence for each thing to do, in the order of the failures, also at the end of the message', async () => {
    const { context } = setUp({
      webgpu: fail('SESSION_FAILED'),
      wasm: fail('RUN_FAILED'),
      remote: fail('REMOTE_UNREACHABLE', { reason: 'offline' }),
    })
    const failed = dispatch(planOf(everything), request, context)
    const advice = [
      'Read the `cause`: the graph has an operator, or the input a shape, that this backend does not take.',
      'Ask again when this device is online.',
    ]
    await expect(failed).rejects.toMatchObject({ code: 'ALL_PLACEMENTS_FAILED', details: { advice } })
    await expect(failed).rejects.toThrow(new RegExp(`${advice.join(' ').replaceAll('.', '\\.')}$`))
  })

  it('on workers that died one after the other does not blame their script', () => {
    const [blamed, resting] = [{}, { remainingMs: 5_000 }].map((details) =>
      adviceFor([{ code: 'WORKER_UNAVAILABLE', details }]),
    )
    expect(blamed).toEqual([expect.stringContaining('worker.js')])
    expect(resting).toEqual(adviceFor([{ code: 'WORKER_DIED' }]))
  })

  it('tells of what was ruled out, too', async () => {
    const ruledOut = [{ placement: wasm, code: 'NOT_CACHED', reason: 'the policy says offline' }] as const
    const { context } = setUp({})
    await expect(dispatch(planOf([], ruledOut), request, context)).rejects.toMatchObject({
      code: 'NOT_CACHED',
      details: { advice: [expect.stringContaining('models.download()') as string] },
    })
  })

  it('exists for every code that lets a request fall back, but for those whose message says it', () => {
    const silent = Object.entries(errorRules)
      .filter(([, { fallback }]) => fallback !== 'final')
      .map(([code]) => code as ErrorCode)
      .filter((code) => adviceFor([{ code }]).length === 0)
    expect(silent).toEqual(['BACKEND_UNAVAILABLE'])
  })
})

it('each attempt has what was thrown underneath, in its own words', async () => {
  const { context } = setUp({
    webgpu: fail('RUN_FAILED', {}, new Error('Kernel not found')),
    wasm: fail('RUN_FAILED', {}, 1991937888),
    remote: failWith('REMOTE_FAILED'),
  })
  const failed = await dispatch(planOf(everything), request, context).catch((error: unknown) => error)
  expect((failed as EdgewardError).details['attempts']).toEqual([
    expect.objectContaining({ cause: 'Kernel not found' }),
    expect.objectContaining({ cause: '1991937888' }),
    expect.not.objectContaining({ cause: expect.anything() as unknown }),
  ])
})
