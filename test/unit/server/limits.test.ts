/** The endpoint's limits: body, queue, time; and what shutting down does to requests that are under way. */
import { connect } from 'node:net'
import { describe, expect, it, vi } from 'vitest'
import { metric, mlpRequest, slowRequest, startServer } from './support/start-server.js'

/** Large enough that a run is still going on when the test has asked a few more questions. */
const long = 1800

const running = (url: string) => metric(url, 'edgeward_requests_running', 'model="slow"')
const queued = (url: string) => metric(url, 'edgeward_queue_length', 'model="slow"')

describe('limits', () => {
  it('a body over the limit is 413, whether its length is told or not', async () => {
    const { url, post } = await startServer({ maxBodyBytes: 1000 })
    const told = await post('/v2/models/tiny-mlp/infer', new Uint8Array(1_000_000))
    const untold = await fetch(`${url}/v2/models/tiny-mlp/infer`, {
      method: 'POST',
      body: new Blob([new Uint8Array(1_000_000)]).stream(),
      duplex: 'half',
    } as RequestInit)
    for (const response of [told, untold]) {
      expect(response.status).toBe(413)
      expect(await response.json()).toEqual({ error: expect.stringContaining('1000 bytes') })
    }
    expect((await post('/v2/models/tiny-mlp/infer', mlpRequest([1, 2, 3, 4]))).status).toBe(200)
  })

  it('a full queue is 503 with Retry-After, and what waited is answered', async () => {
    const { url, infer } = await startServer({ maxQueuedRequests: 1 })
    const first = infer('slow', slowRequest(long))
    await vi.waitUntil(async () => (await running(url)) === 1)
    const second = infer('slow', slowRequest(4))
    await vi.waitUntil(async () => (await queued(url)) === 1)

    const third = await infer('slow', slowRequest(4))

    expect(third.status).toBe(503)
    expect(third.headers.get('Retry-After')).toBe('1')
    expect(third.headers.get('Access-Control-Allow-Origin')).toBe('*')
    expect(await third.json()).toEqual({ error: expect.stringContaining('queue of model "slow" is full') })
    expect((await first).status).toBe(200)
    expect((await second).status).toBe(200)
  })

  it('a busy model leaves the others, and the health checks, alone', async () => {
    const { url, infer } = await startServer()
    await infer('tiny-mlp', mlpRequest([1, 2, 3, 4])) // Its session is there before the race begins.
    let slowIsDone = false
    const slow = infer('slow', slowRequest(1.5 * long)).finally(() => (slowIsDone = true))
    await vi.waitUntil(async () => (await running(url)) === 1)

    expect((await infer('tiny-mlp', mlpRequest([1, 2, 3, 4]))).status).toBe(200)
    expect((await fetch(`${url}/v2/health/live`)).status).toBe(200)
    expect(slowIsDone).toBe(false)
    expect((await slow).status).toBe(200)
  })

  it('a request over the time limit is 504, whether it runs or waits', async () => {
    const { infer } = await startServer({ requestTimeLimitMs: 100 })

    const responses = await Promise.all([infer('slow', slowRequest(long)), infer('slow', slowRequest(long))])

    for (const response of responses) {
      expect(response.status).toBe(504)
      expect(await response.json()).toEqual({ error: expect.stringContaining('limit of 100 ms') })
    }
  })

  it('a request over its own time limit is 504 and leaves the queue, so that no run is started for it', async () => {
    const { url, infer } = await startServer()
    const first = infer('slow', slowRequest(1.5 * long))
    await vi.waitUntil(async () => (await running(url)) === 1)

    const second = await infer('slow', { ...slowRequest(long), parameters: { timeout: 50_000 } })

    expect(second.status).toBe(504)
    expect(await second.json()).toEqual({ error: 'the request took longer than its own limit of 50 ms' })
    expect([await running(url), await queued(url)]).toEqual([1, 0])
    expect((await first).status).toBe(200)
    expect(await running(url)).toBe(0)
  })

  it('a time limit of the request that is 0, or above that of the endpoint, changes nothing', async () => {
    const patient = await startServer()
    const unlimited = { ...mlpRequest([1, 2, 3, 4]), parameters: { timeout: 0 } }
    expect((await patient.infer('tiny-mlp', unlimited)).status).toBe(200)

    // As Python's clients write it for "no limit": Triton's are 64 bits wide.
    const longest = JSON.stringify(unlimited).replace('"timeout":0', '"timeout":9223372036854775807')
    const answer = await fetch(`${patient.url}/v2/models/tiny-mlp/infer`, { method: 'POST', body: longest })
    expect(answer.status).toBe(200)

    const strict = await startServer({ requestTimeLimitMs: 100 })
    const request = { ...slowRequest(long), parameters: { timeout: Number.MAX_SAFE_INTEGER } }
    expect(await (await strict.infer('slow', request)).json()).toEqual({
      error: "the request took longer than this endpoint's limit of 100 ms",
    })
  })

  it('a time limit that is no number of microseconds is 400', async () => {
    const { infer } = await startServer()
    for (const timeout of ['1000', -1, 0.5, true]) {
      const answer = await infer('tiny-mlp', { ...mlpRequest([1, 2, 3, 4]), parameters: { timeout } })
      expect(answer.status).toBe(400)
      expect(await answer.json()).toEqual({ error: expect.stringContaining('parameters.timeout') })
    }
  })

  it('a client that leaves before its turn is dropped from the queue', async () => {
    const { url, infer } = await startServer()
    // Thrice as long: it must still run when the other has been dropped.
    const first = infer('slow', slowRequest(1.5 * long))
    await vi.waitUntil(async () => (await running(url)) === 1)
    const leaving = new AbortController()
    const second = fetch(`${url}/v2/models/slow/infer`, {
      method: 'POST',
      body: JSON.stringify(slowRequest(long)),
      signal: leaving.signal,
    })
    await vi.waitUntil(async () => (await queued(url)) === 1)

    leaving.abort()

    await expect(second).rejects.toThrow()
    await vi.waitUntil(async () => (await queued(url)) === 0)
    expect(await running(url)).toBe(1)
    expect((await first).status).toBe(200)
  })
})

describe('shutdown', () => {
  it('finishes what runs and what waits, then stops listening', async () => {
    const { app, url, infer } = await startServer()
    const first = infer('slow', slowRequest(long))
    await vi.waitUntil(async () => (await running(url)) === 1)
    const second = infer('slow', slowRequest(4))
    await vi.waitUntil(async () => (await queued(url)) === 1)

    await app.close()

    expect((await first).status).toBe(200)
    expect((await second).status).toBe(200)
    await expect(fetch(`${url}/v2/health/live`)).rejects.toThrow()
  })

  it('answers 503 to what cannot finish in time', async () => {
    const { app, url, infer } = await startServer({ shutdownTimeLimitMs: 50 })
    const first = infer('slow', slowRequest(long))
    await vi.waitUntil(async () => (await running(url)) === 1)

    const closed = app.close()

    const response = await first
    expect(response.status).toBe(503)
    expect(response.headers.get('Retry-After')).toBe('1')
    expect(await response.json()).toEqual({ error: 'the endpoint is shutting down' })
    await closed
  })

  it('refuses a request whose head arrives too late', async () => {
    const { app, url, infer } = await startServer()
    const first = infer('slow', slowRequest(long))
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.write('GET /v2/health/ready HTTP/1.1\r\nHost: x\r\n')
    await vi.waitUntil(async () => (await running(url)) === 1)

    const closed = app.close()
    await vi.waitUntil(() => !app.server.listening)
    socket.write('\r\n')

    let answer = ''
    for await (const chunk of socket) answer += String(chunk)
    expect(answer).toMatch(/^HTTP\/1.1 503/)
    expect(answer).toContain('{"error":"the endpoint is shutting down"}')
    expect((await first).headers.get('Connection')).toBe('close')
    await closed
  })
})
