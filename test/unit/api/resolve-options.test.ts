/** Options are checked once, at the door: unknown names are refused with the nearest, wrong values with the right ones. */
import { describe, expect, it } from 'vitest'
import {
  checkExplainOptions,
  checkPipelineOptions,
  checkPrepareOptions,
} from '../../../packages/sdk/src/api/check-request-options.js'
import { clientDefaults } from '../../../packages/sdk/src/api/options.js'
import { resolveClientOptions } from '../../../packages/sdk/src/api/resolve-options.js'
import { resolvePolicy } from '../../../packages/sdk/src/api/resolve-policy.js'

/** Calls `check` with what the compiler would refuse. */
function failureOf(check: (options: never) => unknown, options: unknown): unknown {
  try {
    check(options as never)
  } catch (error) {
    return error
  }
  return undefined
}

const remote = { protocol: 'oip', url: 'https://endpoint.example' } as const
const forRequest = (options: never) => checkPipelineOptions('tensors', options)
const forPolicy = (policy: never) => resolvePolicy(policy, clientDefaults.policy)

describe('defaults', () => {
  it('are those that the documented object says', () => {
    expect(resolveClientOptions({})).toEqual({
      ...clientDefaults,
      models: ['/models/'],
      remote: [],
      backends: undefined,
      threads: undefined,
      workerUrl: undefined,
    })
    expect(Object.isFrozen(clientDefaults) && Object.isFrozen(clientDefaults.policy)).toBe(true)
  })

  it('give way to what the caller says, and stay where the caller says undefined', () => {
    const resolved = resolveClientOptions({
      models: 'https://m.example/',
      device: false,
      backends: ['wasm'],
      threads: 2,
      remote,
    })
    expect(resolved).toMatchObject({
      models: ['https://m.example/'],
      device: false,
      backends: ['wasm'],
      threads: 2,
      remote: [remote],
    })
    const said = { prefer: 'remote', residency: undefined } as never // As plain JavaScript may say it.
    expect(resolvePolicy(said, clientDefaults.policy)).toEqual({ ...clientDefaults.policy, prefer: 'remote' })
  })

  it('of a request are the policy of the client', () => {
    const own = { ...clientDefaults.policy, residency: 'local-only', prefer: 'remote' } as const
    expect(resolvePolicy(undefined, own)).toBe(own)
    expect(resolvePolicy({ prefer: 'device' }, own)).toEqual({ ...clientDefaults.policy, residency: 'local-only' })
  })
})

describe('an unknown option is refused with the nearest name', () => {
  it.each([
    ['of createClient', resolveClientOptions, { model: '/models/' }, 'did you mean models?'],
    ['of remote', resolveClientOptions, { remote: { ...remote, header: {} } }, 'did you mean headers?'],
    ['of the policy of a client', resolveClientOptions, { policy: { residence: 'any' } }, 'did you mean residency?'],
    ['of the policy of a request', forPolicy, { prefers: 'device' }, 'did you mean prefer?'],
    ['of a request', forRequest, { sginal: undefined }, 'did you mean signal?'],
    ['of a task', forRequest, { output: ['y'] }, 'did you mean outputs?'],
    ['of explain', checkExplainOptions, { polcy: {} }, 'did you mean policy?'],
    ['of prepare', checkPrepareOptions, { onprogress: () => undefined }, 'did you mean onProgress?'],
  ])('%s', (_where, check, options, hint) => {
    expect(failureOf(check, options)).toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining(hint) as string,
    })
  })

  it('and with all names when none is near', () => {
    expect(failureOf(checkExplainOptions, { temperature: 1 })).toMatchObject({
      message: expect.stringContaining('it takes signal, policy') as string,
    })
  })

  it("also when it is one of another task, or a name of every object's", () => {
    const forTexts = (options: never) => checkPipelineOptions('feature-extraction', options)
    expect(failureOf(forTexts, { outputs: ['y'] })).toMatchObject({ code: 'INVALID_OPTION' })
    expect(failureOf(resolveClientOptions, { toString: 1 })).toMatchObject({ code: 'INVALID_OPTION' })
  })
})

describe('a wrong value is refused with what is right', () => {
  it.each([
    ['device', { device: 'yes' }, 'true or false'],
    ['models', { models: 5 }, 'a string or a URL'],
    ['models', { models: [] }, 'at least one'],
    ['models[1]', { models: ['/a/', 5] }, 'a string or a URL'],
    ['updates', { updates: 'never' }, "'background' or 'manual'"],
    ['workerUrl', { workerUrl: {} }, 'a string or a URL'],
    ['backends', { backends: [] }, 'at least one'],
    ['backends', { backends: 'wasm' }, "a list of 'webgpu' or 'wasm'"],
    ['backends[1]', { backends: ['wasm', 'webgl'] }, "'webgpu' or 'wasm'"],
    ['threads', { threads: 0 }, 'a whole number from 1'],
    ['threads', { threads: 1.5 }, 'a whole number from 1'],
    ['threads', { threads: '4' }, 'a whole number from 1'],
    ['remote.protocol', { remote: { ...remote, protocol: 'grpc' } }, "'oip'"],
    ['remote.timeoutMs', { remote: { ...remote, timeoutMs: 0 } }, 'milliseconds above zero'],
    ['remote.timeoutMs', { remote: { ...remote, timeoutMs: Infinity } }, 'milliseconds above zero'],
    ['remote.maxResponseBytes', { remote: { ...remote, maxResponseBytes: NaN } }, 'bytes above zero'],
    ['remote.binary', { remote: { ...remote, binary: 1 } }, 'true or false'],
    ['policy.residency', { policy: { residency: 'local' } }, "'local-only' or 'any'"],
    ['policy.prefer', { policy: { prefer: 'gpu' } }, "'device' or 'fastest' or 'cheapest' or 'remote'"],
    ['policy.deadlineMs', { policy: { deadlineMs: 0 } }, 'milliseconds above zero, or Infinity'],
    ['policy.firstOutputMs', { policy: { firstOutputMs: '5' } }, 'milliseconds above zero, or Infinity'],
    ['policy.maxDownloadBytes', { policy: { maxDownloadBytes: -1 } }, 'bytes from zero, or Infinity'],
    ['policy.maxMemoryBytes', { policy: { maxMemoryBytes: 0 } }, 'bytes above zero, or Infinity'],
    ['policy.maxQueued', { policy: { maxQueued: NaN } }, 'requests from zero, or Infinity'],
    ['policy.saveData', { policy: { saveData: true } }, "'auto' or 'on' or 'off'"],
    ['policy.power', { policy: { power: 'high' } }, "'auto' or 'low'"],
    ['hedgeShare', { hedgeShare: 2 }, 'a number from 0 to 1'],
    ['hangMs', { hangMs: 0 }, 'a number of milliseconds above zero'],
    ['recycle.runs', { recycle: { runs: -1 } }, 'a number of runs above zero'],
    ['recycle.heapGrowthBytes', { recycle: { heapGrowthBytes: 'much' } }, 'a number of bytes above zero'],
    ['endpointOrder', { endpointOrder: 'random' }, "'measured' or 'given'"],
    ['shadowShare', { shadowShare: '1%' }, 'a number from 0 to 1'],
    ['remote.loadReports', { remote: { ...remote, loadReports: 'yes' } }, 'true or false'],
    ['remote[1].protocol', { remote: [remote, { ...remote, protocol: 'grpc' }] }, "'oip'"],
    ['policy', { policy: 'local-only' }, 'an object'],
    ['remote', { remote: null }, 'an object'],
  ])('%s: %j', (name, options, right) => {
    const failure = failureOf(resolveClientOptions, options)
    expect(failure).toMatchObject({ code: 'INVALID_OPTION', message: expect.stringContaining(right) as string })
    expect(failure).toMatchObject({ message: expect.stringContaining(name) as string })
  })

  it.each([
    ['a signal that is none', forRequest, { signal: {} }, 'an AbortSignal'],
    ['a signal that is null', checkExplainOptions, { signal: null }, 'an AbortSignal'],
    ['an onProgress that cannot be called', checkPrepareOptions, { onProgress: true }, 'a function'],
    ['options that are none', forRequest, null, 'an object'],
    ['a policy that is none', forPolicy, null, 'an object'],
  ])('%s', (_what, check, options, right) => {
    expect(failureOf(check, options)).toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining(right) as string,
    })
  })
})
