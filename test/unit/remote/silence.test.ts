/** Why no answer came: what Node tells, what a page's own address tells, and what is looked for beside the requests. */
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Endpoint } from '../../../packages/sdk/src/remote/endpoint.js'
import { Silence } from '../../../packages/sdk/src/remote/silence.js'
import { serve } from './http-server.js'

const { signal } = new AbortController()

afterEach(() => {
  vi.unstubAllGlobals()
})

/** A port that was free a moment ago. */
async function deadPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

const failureAt = (url: string) =>
  new Endpoint({ url }).request({ method: 'GET', path: '/v2' }, signal).catch((error: unknown) => error)

describe('in Node', () => {
  it('nobody who listens is told', async () => {
    const url = `http://127.0.0.1:${await deadPort()}`
    expect(await failureAt(url)).toMatchObject({ code: 'REMOTE_UNREACHABLE', details: { reason: 'refused' } })
  })

  it('a name that does not exist is told', async () => {
    expect(await failureAt('http://nobody.invalid')).toMatchObject({ details: { reason: 'dns' } })
  })

  it('a server that does not speak TLS is told', async () => {
    const url = (await serve((_, response) => response.end())).replace('http:', 'https:')
    expect(await failureAt(url)).toMatchObject({ details: { reason: 'tls' } })
  })

  it('a connection that ends without an answer is of the network', async () => {
    const url = await serve((_, response) => response.destroy())
    expect(await failureAt(url)).toMatchObject({ details: { reason: 'network' } })
  })

  it('an answer that breaks off has its status, too', async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { 'Content-Length': '1000' }).write('{', () => response.destroy())
    })
    expect(await failureAt(url)).toMatchObject({ details: { reason: 'network', status: 200 } })
  })
})

describe('in a page', () => {
  const error = new TypeError('Failed to fetch')

  /** What fetches and questions for permissions get, by name; what is not named does not exist. */
  function page(address: string, permissions: Readonly<Record<string, PermissionState>> = {}, fetched?: Response) {
    vi.stubGlobal('location', new URL(address))
    const query = vi.fn(({ name }: { name: string }) =>
      permissions[name] ? Promise.resolve({ state: permissions[name] }) : Promise.reject(new TypeError(name)),
    )
    vi.stubGlobal('navigator', { onLine: true, permissions: { query } })
    const fetch = vi.fn(() => (fetched ? Promise.resolve(fetched) : Promise.reject(error)))
    vi.stubGlobal('fetch', fetch)
    return { query, fetch }
  }

  /** What the next failure is told after one has been looked into. */
  async function nextReason(silence: Silence): Promise<string> {
    silence.reasonOf(error, signal)
    await new Promise((resolve) => setImmediate(resolve))
    return silence.reasonOf(error, signal)
  }

  it.each([
    ['https://app.example/', 'http://api.example/', 'mixed-content'],
    ['https://app.example/', 'http://127.0.0.1:8787/', 'network'],
    ['https://app.example/', 'https://api.example/', 'network'],
    ['http://app.example/', 'http://api.example/', 'network'],
  ])('at %s, an address like %s ends as %s at once', (address, endpoint, reason) => {
    page(address)
    expect(new Silence(endpoint).reasonOf(error, signal)).toBe(reason)
  })

  it('being offline is told at once, and nothing is looked for', () => {
    const { fetch } = page('https://app.example/')
    vi.stubGlobal('navigator', { onLine: false })
    expect(new Silence('https://api.example/').reasonOf(error, signal)).toBe('offline')
    expect(fetch).not.toHaveBeenCalled()
  })

  it('a server that answers whom it does not let read is told from the second failure on', async () => {
    page('https://app.example/', {}, new Response())
    const silence = new Silence('https://api.example/')
    expect(silence.reasonOf(error, signal)).toBe('network')
    expect(await nextReason(silence)).toBe('cors')
    silence.broken()
    expect(silence.reasonOf(error, signal)).toBe('network')
  })

  it('a burst of failures is looked into once', async () => {
    const { fetch } = page('https://app.example/', {}, new Response())
    const silence = new Silence('https://api.example/base/')
    for (let failure = 0; failure < 20; failure += 1) await nextReason(silence)
    expect(fetch).toHaveBeenCalledOnce()
    expect(fetch).toHaveBeenCalledWith(
      new URL('https://api.example/base/'),
      expect.objectContaining({ mode: 'no-cors' }),
    )
  })

  it("CORS is no question at the page's own server", async () => {
    const { fetch } = page('https://app.example/', {}, new Response())
    expect(await nextReason(new Silence('https://app.example/api/'))).toBe('network')
    expect(fetch).not.toHaveBeenCalled()
  })

  it.each<[string, string, string, Readonly<Record<string, PermissionState>>, string]>([
    ['denied', 'https://app.example/', 'http://localhost:8787/', { 'loopback-network': 'denied' }, 'permission'],
    ['asked for', 'https://app.example/', 'http://127.0.0.1/', { 'loopback-network': 'prompt' }, 'permission'],
    [
      'of the older name',
      'https://app.example/',
      'https://10.0.0.7/',
      { 'local-network-access': 'denied' },
      'permission',
    ],
    ['for the network', 'https://app.example/', 'https://nas.local/', { 'local-network': 'denied' }, 'permission'],
    ['granted', 'https://app.example/', 'http://localhost:8787/', { 'loopback-network': 'granted' }, 'network'],
    ['unknown', 'https://app.example/', 'http://localhost:8787/', {}, 'network'],
    ['not needed', 'http://localhost/', 'http://127.0.0.1:1/', { 'loopback-network': 'prompt' }, 'network'],
    ['of no account', 'https://app.example/', 'https://api.example/', { 'local-network-access': 'denied' }, 'network'],
  ])('a permission that is %s: from %s to %s', async (_, address, endpoint, permissions, reason) => {
    page(address, permissions)
    expect(await nextReason(new Silence(endpoint))).toBe(reason)
  })

  it('what a request that was given up has begun to look for is looked for again', async () => {
    const { fetch } = page('https://app.example/')
    const silence = new Silence('https://api.example/')
    silence.reasonOf(error, AbortSignal.abort())
    await nextReason(silence)
    expect(fetch).toHaveBeenCalledTimes(2)
  })
})
