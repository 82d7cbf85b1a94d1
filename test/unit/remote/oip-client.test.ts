/** The client over a real HTTP server: addresses, credentials, time-outs, and every way of not getting an answer. */
import { describe, expect, it, vi } from 'vitest'
import type { TensorMap } from '../../../packages/sdk/src/contract/index.js'
import { decodeInferRequest, encodeInferResponse } from '../../../packages/sdk/src/oip.js'
import { OipClient } from '../../../packages/sdk/src/remote/oip/oip-client.js'
import type { OipRemoteOptions, ReportedLoad } from '../../../packages/sdk/src/remote/index.js'
import { modelOf, serve, type Handler, type ReceivedRequest } from './http-server.js'

const signal = new AbortController().signal
const x: TensorMap = { x: { dtype: 'float32', shape: [2], data: Float32Array.of(1, NaN) } }

const clientOf = async (handle: Handler, options: Partial<OipRemoteOptions> = {}): Promise<OipClient> =>
  new OipClient({ protocol: 'oip', url: await serve(handle), ...options })

/** Answers with the request's own inputs, as bytes if those were asked for. */
const echo: Handler = (request, response) => {
  const { headers, body } = request
  const header = headers['inference-header-content-length']
  const { inputs, outputs, binaryOutput } = decodeInferRequest(body, header === undefined ? undefined : Number(header))
  const binary = (name: string) => outputs?.find((output) => output.name === name)?.binary ?? binaryOutput
  const message = encodeInferResponse({ modelName: modelOf(request), outputs: inputs }, { binary })
  response.writeHead(200, message.headers).end(message.body)
}

describe('an address', () => {
  it.each([
    ['', '/v2/models/m%2F1%20%C3%A9/infer'],
    ['/', '/v2/models/m%2F1%20%C3%A9/infer'],
    ['/base', '/base/v2/models/m%2F1%20%C3%A9/infer'],
    ['/base/?key=1#x', '/base/v2/models/m%2F1%20%C3%A9/infer?key=1'],
  ])('ending in "%s" keeps its path and query, and the name of the model is encoded', async (suffix, expected) => {
    const paths: (string | undefined)[] = []
    const url = await serve((request, response) => {
      paths.push(request.url)
      echo(request, response)
    })
    await new OipClient({ protocol: 'oip', url: url + suffix }).infer('m/1 é', x, { signal })
    expect(paths).toEqual([expected])
  })

  it.each(['ftp://host', 'no address', 'http://user:secret@host'])('like %s is refused', (url) => {
    expect(() => new OipClient({ protocol: 'oip', url })).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  })

  it.each(['', '.', '..'])('cannot be left by a model named "%s"', async (model) => {
    const client = new OipClient({ protocol: 'oip', url: 'http://localhost:1' })
    await expect(client.infer(model, x, { signal })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })
})

describe('inference', () => {
  it.each([true, false])('brings tensors there and back (binary: %s)', async (binary) => {
    const client = await clientOf(echo, { binary })
    await expect(client.infer('echo', x, { signal, outputs: ['x'] })).resolves.toEqual(x)
  })

  it('works when CORS hides the header that says where the JSON ends', async () => {
    const client = await clientOf((_, response) => {
      const message = encodeInferResponse({ modelName: 'm', outputs: x }, { binary: () => true })
      response.writeHead(200).end(message.body)
    })
    await expect(client.infer('m', x, { signal })).resolves.toEqual(x)
  })

  it('refuses an answer without an output that was asked for', async () => {
    const client = await clientOf(echo)
    await expect(client.infer('echo', x, { signal, outputs: ['y'] })).rejects.toMatchObject({
      code: 'REMOTE_MALFORMED',
      message: expect.stringContaining("without the output 'y'") as string,
    })
  })

  it('refuses a header that is not a number', async () => {
    const client = await clientOf((_, response) => {
      response.writeHead(200, { 'Inference-Header-Content-Length': 'x' }).end('{"model_name":"m","outputs":[]}')
    })
    await expect(client.infer('m', x, { signal })).rejects.toMatchObject({ code: 'REMOTE_MALFORMED' })
  })
})

describe('headers', () => {
  const record = (seen: ReceivedRequest['headers'][]): Handler => {
    return (request, response) => {
      seen.push(request.headers)
      echo(request, response)
    }
  }

  it('from an async function are asked for each time', async () => {
    const seen: ReceivedRequest['headers'][] = []
    let count = 0
    const headers = () => Promise.resolve({ Authorization: `Bearer ${(count += 1)}`, 'Content-Type': 'x/y' })
    const client = await clientOf(record(seen), { headers })
    await client.infer('echo', x, { signal })
    await client.infer('echo', x, { signal })
    expect(seen.map(({ authorization }) => authorization)).toEqual(['Bearer 1', 'Bearer 2'])
    expect(seen[0]?.['content-type'], "the protocol's own headers win").toBe('application/octet-stream')
  })

  it('from a function that fails end as REMOTE_UNAUTHORIZED with its error as the cause', async () => {
    const cause = new Error('signed out')
    const client = await clientOf(echo, { headers: () => Promise.reject(cause) })
    await expect(client.infer('m', x, { signal })).rejects.toMatchObject({ code: 'REMOTE_UNAUTHORIZED', cause })
  })

  it('that are not HTTP headers are refused', async () => {
    const client = await clientOf(echo, { headers: { 'a b': 'c' } })
    await expect(client.infer('m', x, { signal })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })

  it('from a function that never answers do not outlast the time-out', async () => {
    const client = await clientOf(echo, { headers: () => new Promise(() => undefined), timeoutMs: 20 })
    await expect(client.infer('m', x, { signal })).rejects.toMatchObject({
      code: 'REMOTE_UNREACHABLE',
      details: { timeoutMs: 20 },
    })
  })
})

describe('failures', () => {
  const answering = (status: number, headers: Record<string, string> = {}): Handler => {
    return (_, response) => response.writeHead(status, headers).end('{"error":{"message":"because"}}')
  }

  it.each([
    [401, 'REMOTE_UNAUTHORIZED', false],
    [403, 'REMOTE_UNAUTHORIZED', false],
    [404, 'REMOTE_NOT_FOUND', false],
    [409, 'REMOTE_REJECTED', false],
    [429, 'REMOTE_OVERLOADED', true],
    [503, 'REMOTE_OVERLOADED', true],
    [500, 'REMOTE_FAILED', false],
    [304, 'REMOTE_MALFORMED', false],
  ])('%i is %s', async (status, code, isRetryable) => {
    const client = await clientOf(answering(status))
    await expect(client.infer('m', x, { signal })).rejects.toMatchObject({ code, isRetryable, details: { status } })
  })

  it('carries Retry-After in milliseconds, given in seconds or as a date', async () => {
    const seconds = await clientOf(answering(503, { 'Retry-After': '7' }))
    await expect(seconds.infer('m', x, { signal })).rejects.toMatchObject({ details: { retryAfterMs: 7000 } })
    const past = await clientOf(answering(429, { 'Retry-After': 'Wed, 21 Oct 2015 07:28:00 GMT' }))
    await expect(past.infer('m', x, { signal })).rejects.toMatchObject({ details: { retryAfterMs: 0 } })
    const nonsense = await clientOf(answering(503, { 'Retry-After': 'soon' }))
    await expect(nonsense.infer('m', x, { signal })).rejects.toMatchObject({
      details: expect.not.objectContaining({ retryAfterMs: expect.anything() as number }) as object,
    })
  })

  it('says REMOTE_NOT_FOUND for the 400 with which Triton means an unknown model', async () => {
    const client = await clientOf((_, response) => {
      response.writeHead(400, { 'Content-Type': 'text/plain' }).end(`{"error":"Request for unknown model: 'm'"}`)
    })
    await expect(client.infer('m', x, { signal })).rejects.toMatchObject({ code: 'REMOTE_NOT_FOUND' })
  })

  it('cuts a long error page short', async () => {
    const client = await clientOf((_, response) => response.writeHead(502).end('x'.repeat(100_000)))
    const error = await client.infer('m', x, { signal }).catch((thrown: unknown) => thrown as Error)
    expect(error).toMatchObject({ code: 'REMOTE_FAILED' })
    expect((error as Error).message.length).toBeLessThan(700)
  })

  it('tells what it can about a server that does not listen, and whether the device is offline', async () => {
    const client = new OipClient({ protocol: 'oip', url: 'http://127.0.0.1:1', binary: false })
    await expect(client.infer('m', x, { signal })).rejects.toMatchObject({
      code: 'REMOTE_UNREACHABLE',
      isRetryable: true,
      details: { url: 'http://127.0.0.1:1/v2/models/m/infer', reason: 'network' },
    })
    vi.stubGlobal('navigator', { onLine: false })
    await expect(client.infer('m', x, { signal })).rejects.toMatchObject({ details: { reason: 'offline' } })
    vi.unstubAllGlobals()
  })

  it('ends as REMOTE_UNREACHABLE when the connection breaks in the middle of the body', async () => {
    const client = await clientOf((_, response) => {
      response.writeHead(200, { 'Content-Length': '1000' }).write('{"model_name":', () => response.destroy())
    })
    await expect(client.infer('m', x, { signal })).rejects.toMatchObject({ code: 'REMOTE_UNREACHABLE' })
  })

  it('ends as REMOTE_UNREACHABLE when time runs out before the headers or in the body, and asks only once', async () => {
    let requests = 0
    const silent = await clientOf(() => (requests += 1), { timeoutMs: 50 })
    await expect(silent.infer('m', x, { signal })).rejects.toMatchObject({
      code: 'REMOTE_UNREACHABLE',
      details: { timeoutMs: 50 },
    })
    expect(requests).toBe(1)
    const slow = await clientOf((_, response) => response.writeHead(200).write('{'), { timeoutMs: 50 })
    await expect(slow.infer('m', x, { signal })).rejects.toMatchObject({ details: { timeoutMs: 50 } })
  })

  it('does not read an answer beyond its bound', async () => {
    const client = await clientOf((_, response) => response.writeHead(200).end('x'.repeat(2000)), {
      maxResponseBytes: 1000,
    })
    await expect(client.infer('m', x, { signal })).rejects.toMatchObject({
      code: 'REMOTE_MALFORMED',
      details: { maxBytes: 1000 },
    })
  })
})

describe('a deadline', () => {
  const timeoutsOf = (seen: (number | undefined)[]): Handler => {
    return (request, response) => {
      const header = request.headers['inference-header-content-length']
      seen.push(decodeInferRequest(request.body, header === undefined ? undefined : Number(header)).timeoutMs)
      echo(request, response)
    }
  }

  it.each([true, false])('travels as what is left of it, and not at all without one (binary: %s)', async (binary) => {
    const seen: (number | undefined)[] = []
    const client = await clientOf(timeoutsOf(seen), { binary })
    await client.infer('m', x, { signal })
    await client.infer('m', x, { signal, deadlineAt: performance.now() + 10_000 })
    await client.infer('m', x, { signal, outputs: ['x'], deadlineAt: performance.now() + 10_000 })
    expect(seen[0]).toBeUndefined()
    for (const timeoutMs of seen.slice(1)) {
      expect(timeoutMs).toBeGreaterThan(0)
      expect(timeoutMs).toBeLessThanOrEqual(10_000)
    }
    expect(seen).toHaveLength(3)
  })

  it('that passes while the endpoint is silent ends as DEADLINE_EXCEEDED, and asks only once', async () => {
    let requests = 0
    const client = await clientOf(() => (requests += 1))
    const answer = client.infer('m', x, { signal, deadlineAt: performance.now() + 50 })
    await expect(answer).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' })
    expect(requests).toBe(1)
  })

  it('that is further away than the time-out leaves that its code', async () => {
    const client = await clientOf(() => undefined, { timeoutMs: 50 })
    const answer = client.infer('m', x, { signal, deadlineAt: performance.now() + 10_000 })
    await expect(answer).rejects.toMatchObject({ code: 'REMOTE_UNREACHABLE', details: { timeoutMs: 50 } })
  })

  it('that has passed sends nothing', async () => {
    let requests = 0
    const client = await clientOf(() => (requests += 1))
    const answer = client.infer('m', x, { signal, deadlineAt: performance.now() - 1 })
    await expect(answer).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' })
    expect(requests).toBe(0)
  })

  it('that the endpoint ends before it has passed falls back: another one may be quicker', async () => {
    const client = await clientOf((_, response) => response.writeHead(504).end('{"error":"too long"}'))
    const answer = client.infer('m', x, { signal, deadlineAt: performance.now() + 10_000 })
    await expect(answer).rejects.toMatchObject({ code: 'REMOTE_FAILED', fallback: 'placement' })
  })
})

describe("the endpoint's load", () => {
  const headers = { 'endpoint-load-metrics': 'TEXT application_utilization=0.5' }
  const asked: (string | undefined)[] = []

  async function loadsOf(handle: Handler, options: Partial<OipRemoteOptions> = {}): Promise<[string, ReportedLoad][]> {
    const loads: [string, ReportedLoad][] = []
    asked.length = 0
    const url = await serve((request, response) => {
      asked.push(request.headers['endpoint-load-metrics-format'] as string | undefined)
      handle(request, response)
    })
    const client = new OipClient({ protocol: 'oip', url, ...options }, (...load) => void loads.push(load))
    await client.infer('m', x, { signal }).catch(() => undefined)
    return loads
  }

  it.each([429, 503])('is told with a refusal by %i too, by the address of its placement', async (status) => {
    const loads = await loadsOf((_, response) => response.writeHead(status, headers).end())
    expect(loads).toEqual([[expect.stringMatching(/^http:.*\/$/), { utilization: 0.5 }]])
    expect(asked).toEqual(['json'])
  })

  it('is told once with an answer, and not at all where there is no report or a wrong one', async () => {
    const withHeaders = (more: Record<string, string>): Handler => {
      return (request, response) => {
        for (const [name, value] of Object.entries(more)) response.setHeader(name, value)
        echo(request, response)
      }
    }
    expect(await loadsOf(withHeaders(headers))).toHaveLength(1)
    expect(await loadsOf(withHeaders({}))).toEqual([])
    expect(await loadsOf(withHeaders({ 'endpoint-load-metrics': 'JSON {' }))).toEqual([])
  })

  it('is not asked for when the options say so, nor when nobody listens', async () => {
    await loadsOf(echo, { loadReports: false })
    expect(asked).toEqual([undefined])
    const url = await serve((request, response) => {
      expect(request.headers['endpoint-load-metrics-format']).toBeUndefined()
      echo(request, response)
    })
    await new OipClient({ protocol: 'oip', url }).infer('m', x, { signal })
  })
})

describe("the caller's abort", () => {
  it('stays the reason of the signal, before and during the request, and closes the connection', async () => {
    const controller = new AbortController()
    const reason = new DOMException('enough', 'AbortError')
    let closed: Promise<void> | undefined
    const client = await clientOf((_, response) => {
      closed = new Promise((resolve) => response.on('close', resolve))
      controller.abort(reason)
    })
    await expect(client.infer('m', x, { signal: controller.signal })).rejects.toBe(reason)
    await closed
    expect(closed).toBeDefined()
    await expect(client.infer('m', x, { signal: controller.signal })).rejects.toBe(reason)
  })
})

describe('readiness', () => {
  it.each([
    [200, true],
    [400, false],
    [404, false],
    [503, false],
  ])('is judged by status %i alone: %s', async (status, expected) => {
    const client = await clientOf((_, response) => response.writeHead(status).end('{"ready":"?"}'))
    await expect(client.ready(signal)).resolves.toBe(expected)
    await expect(client.modelReady('m', signal)).resolves.toBe(expected)
  })

  it('is not confused with wrong credentials or a dead server', async () => {
    const client = await clientOf((_, response) => response.writeHead(401).end())
    await expect(client.ready(signal)).rejects.toMatchObject({ code: 'REMOTE_UNAUTHORIZED' })
    const dead = new OipClient({ protocol: 'oip', url: 'http://127.0.0.1:1' })
    await expect(dead.ready(signal)).rejects.toMatchObject({ code: 'REMOTE_UNREACHABLE' })
  })
})
