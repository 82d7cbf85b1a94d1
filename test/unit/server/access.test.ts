/** Who may ask: bearer keys and CORS; and what the endpoint tells of itself: metrics, logs, files. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { mlpRequest, startServer } from './support/start-server.js'

const origin = 'https://page.example'
const preflight = { Origin: origin, 'Access-Control-Request-Method': 'POST' }

describe('bearer key', () => {
  it.each<[string, Record<string, string>, number]>([
    ['no key', {}, 401],
    ['a wrong key', { Authorization: 'Bearer wrong' }, 401],
    ['the start of a key', { Authorization: 'Bearer secret' }, 401],
    ['another scheme', { Authorization: 'Basic secret-1' }, 401],
    ['the first key', { Authorization: 'Bearer secret-1' }, 200],
    ['the second key', { Authorization: 'bearer secret-2' }, 200],
  ])('%s', async (_what, headers, status) => {
    const { url } = await startServer({ keys: ['secret-1', 'secret-2'] })
    for (const path of ['/v2', '/v2/models/tiny-mlp', '/metrics', '/models/tiny-mlp/manifest.json']) {
      const response = await fetch(url + path, { headers: { ...headers, Origin: origin } })
      expect([path, response.status]).toEqual([path, status])
      expect(response.headers.get('Access-Control-Allow-Origin')).toBe('*')
      if (status === 401) {
        expect(response.headers.get('WWW-Authenticate')).toBe('Bearer')
        expect(await response.json()).toEqual({ error: expect.stringContaining('key') })
      }
    }
  })

  it('is not asked of health checks and preflights, and hides which models there are', async () => {
    const { url } = await startServer({ keys: ['secret'] })
    expect((await fetch(`${url}/v2/health/ready`)).status).toBe(200)
    const asked = { method: 'OPTIONS', headers: preflight }
    expect((await fetch(`${url}/v2/models/tiny-mlp/infer`, asked)).status).toBe(204)
    expect((await fetch(`${url}/v2/models/nope`)).status).toBe(401)
  })
})

describe('CORS', () => {
  it('lets any page ask, and see the headers that a client needs', async () => {
    const { url } = await startServer()

    const before = await fetch(`${url}/v2/models/tiny-mlp/infer`, {
      method: 'OPTIONS',
      headers: { ...preflight, 'Access-Control-Request-Private-Network': 'true' },
    })
    const answer = await fetch(`${url}/v2`, { headers: { Origin: origin } })

    expect(before.status).toBe(204)
    const allowed = before.headers.get('Access-Control-Allow-Headers')?.split(', ')
    expect(allowed).toEqual(
      expect.arrayContaining([
        'Authorization',
        'Content-Type',
        'Inference-Header-Content-Length',
        'X-Request-Id',
        'endpoint-load-metrics-format',
      ]),
    )
    expect(before.headers.get('Access-Control-Allow-Methods')).toContain('POST')
    expect(Number(before.headers.get('Access-Control-Max-Age'))).toBeGreaterThan(0)
    expect(before.headers.get('Access-Control-Allow-Private-Network')).toBe('true')
    expect(answer.headers.get('Access-Control-Allow-Origin')).toBe('*')
    expect(answer.headers.get('Access-Control-Expose-Headers')?.split(', ')).toEqual(
      expect.arrayContaining([
        'Inference-Header-Content-Length',
        'Retry-After',
        'X-Request-Id',
        'endpoint-load-metrics',
      ]),
    )
  })

  it('lets only the origins named ask, where some are named', async () => {
    const { url } = await startServer({ corsOrigins: [origin] })
    const ask = async (from: string) => {
      const { headers } = await fetch(`${url}/v2/models/tiny-mlp/infer`, {
        method: 'OPTIONS',
        headers: { ...preflight, Origin: from, 'Access-Control-Request-Private-Network': 'true' },
      })
      return [headers.get('Access-Control-Allow-Origin'), headers.get('Access-Control-Allow-Private-Network')]
    }
    expect(await ask(origin)).toEqual([origin, 'true'])
    expect(await ask('https://other.example')).toEqual([null, null])
    const failed = await fetch(`${url}/v2/models/nope`, { headers: { Origin: origin } })
    expect(failed.headers.get('Access-Control-Allow-Origin')).toBe(origin)
    expect(failed.headers.get('Vary')).toContain('Origin')
  })
})

describe('metrics', () => {
  it('count requests by route, model and status, and no name that a client made up', async () => {
    const { url, infer } = await startServer()
    await infer('tiny-mlp', mlpRequest([1, 2, 3, 4]))
    await infer('tiny-mlp', {})
    await infer('made-up', {})
    await fetch(`${url}/made-up-too`)

    const response = await fetch(`${url}/metrics`)
    const text = await response.text()

    expect(response.headers.get('Content-Type')).toContain('text/plain')
    const route = 'route="/v2/models/:model/infer"'
    expect(text).toContain(`edgeward_requests_total{${route},model="tiny-mlp",status="200"} 1`)
    expect(text).toContain(`edgeward_requests_total{${route},model="tiny-mlp",status="400"} 1`)
    expect(text).toContain(`edgeward_requests_total{${route},model="",status="404"} 1`)
    expect(text).toContain(`edgeward_request_duration_seconds_count{${route},model="tiny-mlp"} 2`)
    expect(text).toContain('edgeward_sessions_loaded{model="tiny-mlp"} 1')
    expect(text).toContain('edgeward_sessions_loaded{model="slow"} 0')
    expect(text).toContain('edgeward_queue_length{model="tiny-mlp"} 0')
    expect(text).not.toContain('made-up')
  })
})

describe('log', () => {
  it('has a line for each request with its id, and neither inputs nor keys', async () => {
    const { post, log } = await startServer({ keys: ['secret-key'] })
    const headers = { Authorization: 'Bearer secret-key', 'X-Request-Id': 'trace-7' }

    const good = await post('/v2/models/tiny-mlp/infer', mlpRequest([1, 2, 3, 47_110_815]), headers)
    const bad = await post('/v2/models/tiny-mlp/infer?q=47110815', '{"inputs":"47110815"', headers)

    expect([good.status, bad.status]).toEqual([200, 400])
    expect(good.headers.get('X-Request-Id')).toBe('trace-7')
    const lines = log.filter(({ requestId }) => requestId === 'trace-7')
    expect(lines).toContainEqual(
      expect.objectContaining({ method: 'POST', path: '/v2/models/tiny-mlp/infer', model: 'tiny-mlp', status: 200 }),
    )
    expect(JSON.stringify(log)).not.toMatch(/47110815|secret-key/)
  })

  it('is quiet about health checks', async () => {
    const { url, log } = await startServer({ logLevel: 'info' })
    await fetch(`${url}/v2/health/live`)
    await fetch(`${url}/v2`)
    expect(log.map(({ path }) => path)).toContain('/v2')
    expect(log.map(({ path }) => path)).not.toContain('/v2/health/live')
  })

  it('takes no request id that could forge a line', async () => {
    const { url } = await startServer()
    const { headers } = await fetch(`${url}/v2`, { headers: { 'X-Request-Id': 'a b "c"' } })
    expect(headers.get('X-Request-Id')).toMatch(/^[0-9a-f-]{36}$/)
  })
})

describe('model files', () => {
  it('are served to cross-origin isolated pages, whole and in ranges', async () => {
    const { url, folder } = await startServer()
    const file = await readFile(join(folder, 'tiny-mlp', 'model.onnx'))

    const whole = await fetch(`${url}/models/tiny-mlp/model.onnx`)
    const range = await fetch(`${url}/models/tiny-mlp/model.onnx`, { headers: { Range: 'bytes=10-19' } })
    const beyond = await fetch(`${url}/models/tiny-mlp/model.onnx`, { headers: { Range: 'bytes=99999-' } })

    expect(Buffer.from(await whole.arrayBuffer()).equals(file)).toBe(true)
    expect(whole.headers.get('Cross-Origin-Resource-Policy')).toBe('cross-origin')
    expect(range.status).toBe(206)
    expect(range.headers.get('Content-Range')).toBe(`bytes 10-19/${file.length}`)
    expect(Buffer.from(await range.arrayBuffer()).equals(file.subarray(10, 20))).toBe(true)
    expect(beyond.status).toBe(416)
    expect(await beyond.json()).toHaveProperty('error')
  })

  it('are those that manifests name, and nothing else in the folder', async () => {
    const { app, folder } = await startServer()
    await writeFile(join(folder, 'tiny-mlp', 'notes.txt'), 'private')
    await writeFile(join(folder, 'notes.txt'), 'private')
    const paths = [
      'tiny-mlp/notes.txt',
      'notes.txt',
      '',
      'tiny-mlp/',
      '..%2f..%2fetc/passwd',
      'tiny-mlp/%2e%2e/notes.txt',
    ]
    for (const path of paths) {
      const { statusCode, body } = await app.inject({ url: `/models/${path}` })
      expect([path, statusCode]).toEqual([path, 404])
      expect(body).not.toContain('private')
    }
    expect((await app.inject({ url: '/models/tiny-mlp/manifest.json' })).statusCode).toBe(200)
  })
})
