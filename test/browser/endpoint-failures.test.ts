/** An endpoint that fails, in Chromium: what a page is told of it, and what it is not. */
import { afterEach, describe, expect, inject, test, vi } from 'vitest'
import type { EngineRequest, Processor } from '../../packages/sdk/src/contract/index.js'
import { createOipEngine, type OipRemoteOptions } from '../../packages/sdk/src/remote/index.js'
import { tinyInput } from './support/clients.js'
import type { Told } from './support/told-server.js'

const { signal } = new AbortController()
const deadPort = 'http://127.0.0.1:9'
const noProcessor: Processor = { run: () => Promise.reject(new Error('not to be asked')) }
const request: EngineRequest<'tensors'> = { model: 'tiny-mlp', task: 'tensors', input: tinyInput(), options: {} }
/** One try for each request: nothing is found out of the endpoint's manners. */
const plain = { binary: false, loadReports: false } as const

afterEach(() => {
  vi.restoreAllMocks()
})

/** The address of a server of another origin that answers as it is told. */
function told(answer: Told): string {
  return `${inject('toldServer')}/told/${encodeURIComponent(JSON.stringify(answer))}`
}

function engineOf(url: string, options: Partial<OipRemoteOptions> = {}) {
  return createOipEngine({ protocol: 'oip', url, ...options }, noProcessor, () => undefined)
}

async function failureOf(engine: ReturnType<typeof engineOf>): Promise<unknown> {
  const { output } = await engine.run(engine.placement, request, signal).catch((error: unknown) => ({ output: error }))
  return output
}

const unreachable = (reason: string) => ({ code: 'REMOTE_UNREACHABLE', details: { reason } })

describe('why no answer came', () => {
  test('a server that does not allow this page is told from the second failure on: no fallback waits for it', async () => {
    const engine = engineOf(told({ cors: false }), plain)
    expect(await failureOf(engine)).toMatchObject(unreachable('network'))
    await expect.poll(() => failureOf(engine)).toMatchObject(unreachable('cors'))
  })

  test('a server that is not there is none that does not allow this page', async () => {
    const asked = vi.spyOn(globalThis, 'fetch')
    const engine = engineOf(deadPort, plain)
    expect(await failureOf(engine)).toMatchObject(unreachable('network'))
    await expect.poll(() => asked.mock.calls.map(([, init]) => init?.mode)).toContain('no-cors')
    await expect.poll(() => Promise.allSettled(asked.mock.results.map(({ value }) => value as unknown))).toHaveLength(2)
    expect(await failureOf(engine)).toMatchObject(unreachable('network'))
  })

  // A network that is really off would take the test's own connection with it; test/chaos has that.
  test('a device without a network is told', async () => {
    vi.spyOn(navigator, 'onLine', 'get').mockReturnValue(false)
    expect(await failureOf(engineOf(deadPort))).toMatchObject(unreachable('offline'))
  })

  test('a permission for the local network that was denied is told', async () => {
    const query = vi.spyOn(navigator.permissions, 'query')
    query.mockResolvedValue({ state: 'denied' } as PermissionStatus)
    const engine = engineOf(deadPort, plain)
    expect(await failureOf(engine)).toMatchObject(unreachable('network'))
    expect(await failureOf(engine)).toMatchObject(unreachable('permission'))
    expect(query).toHaveBeenCalledExactlyOnceWith({ name: 'loopback-network' })
  })

  test('time that ran out is told', async () => {
    const engine = engineOf(inject('endpoint'), { headers: () => new Promise(() => undefined), timeoutMs: 20 })
    expect(await failureOf(engine)).toMatchObject(unreachable('timeout'))
  })
})

describe('an answer that is not whole', () => {
  const text = JSON.stringify({ model_name: 'tiny-mlp', outputs: [] }).padEnd(5_000)
  const gzip = { 'Content-Encoding': 'gzip' }

  test.each<[string, Told]>([
    ['shorter than its Content-Length', { text, cutAt: 4_000 }],
    ['shorter by the space at its end', { text, cutAt: 4_999 }],
    ['whose last chunk is missing', { text, cutAt: 4_999, framing: 'chunked' }],
    ['of which only the head came', { text, cutAt: 0 }],
    ['of half a gzip', { text, cutAt: 40, headers: gzip }],
    ['of half a gzip in chunks', { text, cutAt: 40, framing: 'chunked', headers: gzip }],
  ])('%s is none', async (_, answer) => {
    expect(await failureOf(engineOf(told(answer)))).toMatchObject({ code: 'REMOTE_UNREACHABLE' })
  })

  test('that no length was told of is known by its JSON', async () => {
    const answer = { text: text.trim(), cutAt: 20, framing: 'none' } as const
    expect(await failureOf(engineOf(told(answer)))).toMatchObject({ code: 'REMOTE_MALFORMED' })
  })

  test('that is whole is one', async () => {
    expect(await failureOf(engineOf(told({ text })))).toEqual({})
    expect(await failureOf(engineOf(told({ text, headers: gzip })))).toEqual({})
  })
})

test('an answer that is a page is none, also where its status says that all is well', async () => {
  const text = '<!doctype html><title>Sign in to the network</title>'
  expect(await failureOf(engineOf(told({ text })))).toMatchObject({ code: 'REMOTE_MALFORMED' })
  expect(await failureOf(engineOf(told({ text, status: 502 })))).toMatchObject({ code: 'REMOTE_FAILED' })
})

test('Retry-After counts where CORS shows it, and is not missed where it does not', async () => {
  const headers = { 'Retry-After': '7' }
  const hidden = engineOf(told({ status: 503, headers }))
  expect(await failureOf(hidden)).toMatchObject({
    code: 'REMOTE_OVERLOADED',
    details: expect.not.objectContaining({ retryAfterMs: expect.anything() as unknown }) as object,
  })
  const shown = engineOf(told({ status: 503, headers: { ...headers, 'Access-Control-Expose-Headers': 'Retry-After' } }))
  expect(await failureOf(shown)).toMatchObject({ code: 'REMOTE_OVERLOADED', details: { retryAfterMs: 7_000 } })
})

describe('whether an endpoint is ready', () => {
  test('is what it says', async () => {
    await expect(engineOf(inject('endpoint')).isReady()).resolves.toBe(true)
    await expect(engineOf(told({ status: 503 })).isReady()).resolves.toBe(false)
    await expect(engineOf(deadPort).isReady()).rejects.toMatchObject({ code: 'REMOTE_UNREACHABLE' })
  })

  test('shows with a request where it does not tell this page, but is there', async () => {
    const engine = engineOf(told({ cors: false }))
    await expect(engine.isReady()).rejects.toMatchObject({ code: 'REMOTE_UNREACHABLE' })
    await expect.poll(() => engine.isReady().catch(() => false)).toBe(true)
  })
})
