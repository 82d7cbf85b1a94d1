/** What the endpoint says to a request that is wrong: always `{"error": string}`, always with the status that fits. */
import { connect } from 'node:net'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { mlpRequest, startServer } from './support/start-server.js'

const row = { name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] }
const pairOf = (a: unknown, b: unknown) => ({
  inputs: [
    { name: 'a', ...(a as object) },
    { name: 'b', ...(b as object) },
  ],
})
const rows = (count: number) => ({ datatype: 'FP32', shape: [count, 4], data: Array(count * 4).fill(0) })

async function errorOf(response: Response): Promise<string> {
  expect(response.headers.get('Content-Type')).toMatch(/^application\/json/)
  const body = (await response.json()) as { error: string }
  expect(Object.keys(body)).toEqual(['error'])
  return body.error
}

describe('a wrong request', () => {
  it.each<[string, string, unknown, string]>([
    ['without inputs', 'tiny-mlp', {}, 'inputs'],
    [
      'with an input missing',
      'pair',
      { inputs: [{ name: 'a', ...rows(1) }] },
      'input "b" is missing; model "pair" takes "b" as FP32 of shape [batch, 4]',
    ],
    [
      'with an unknown input',
      'tiny-mlp',
      { inputs: [row, { ...row, name: 'z' }] },
      'model "tiny-mlp" has no input "z"; it takes "x"',
    ],
    [
      'with another datatype',
      'tiny-mlp',
      { inputs: [{ ...row, datatype: 'INT32' }] },
      'input "x" is INT32; model "tiny-mlp" takes "x" as FP32',
    ],
    [
      'with another rank',
      'tiny-mlp',
      { inputs: [{ ...row, shape: [4] }] },
      'input "x" has shape [4]; model "tiny-mlp" takes "x" as FP32 of shape [batch, 4]',
    ],
    ['with another fixed dimension', 'tiny-mlp', { inputs: [{ ...row, shape: [4, 1] }] }, 'has shape [4, 1]'],
    [
      'with one symbol of two lengths',
      'pair',
      pairOf(rows(1), rows(2)),
      'dimension 0 ("batch") of input "b" is 2, but 1 in input "a"',
    ],
    ['with fewer values than its shape', 'tiny-mlp', { inputs: [{ ...row, data: [1, 2, 3] }] }, 'inputs[0]'],
    ['with values that are no numbers', 'tiny-mlp', { inputs: [{ ...row, data: ['1', '2', '3', '4'] }] }, 'inputs[0]'],
    ['with a datatype that does not exist', 'tiny-mlp', { inputs: [{ ...row, datatype: 'FLOAT' }] }, 'FLOAT'],
    ['with BF16', 'tiny-mlp', { inputs: [{ ...row, datatype: 'BF16' }] }, 'BF16'],
    [
      'with an unknown output',
      'tiny-mlp',
      { inputs: [row], outputs: [{ name: 'z' }] },
      'model "tiny-mlp" has no output "z"; it gives "y"',
    ],
    [
      'with an output twice',
      'tiny-mlp',
      { inputs: [row], outputs: [{ name: 'y' }, { name: 'y' }] },
      'output "y" is asked for twice',
    ],
    [
      'with an input named like an inherited property',
      'tiny-mlp',
      { inputs: [{ ...row, name: 'constructor' }] },
      'no input "constructor"',
    ],
    ['that is a list', 'tiny-mlp', [], 'object'],
  ])('%s is refused with a reason', async (_what, model, message, reason) => {
    const { infer } = await startServer()
    const response = await infer(model, message)
    expect(response.status).toBe(400)
    expect(await errorOf(response)).toContain(reason)
  })

  it.each<[string, string | Uint8Array, Record<string, string>]>([
    ['broken JSON', '{"inputs":', {}],
    ['no JSON', 'hello', {}],
    ['bytes that are no UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d), {}],
    ['an empty body', '', {}],
    [
      'a header beyond the body',
      JSON.stringify(mlpRequest([1, 2, 3, 4])),
      { 'Inference-Header-Content-Length': '9999' },
    ],
    [
      'a header that is no number',
      JSON.stringify(mlpRequest([1, 2, 3, 4])),
      { 'Inference-Header-Content-Length': '-1' },
    ],
    ['a raw tensor without JSON', new Uint8Array(16), { 'Inference-Header-Content-Length': '0' }],
    ['a compressed body', new Uint8Array(16), { 'Content-Encoding': 'gzip' }],
  ])('%s is refused with 400', async (_what, body, headers) => {
    const { post } = await startServer()
    const response = await post('/v2/models/tiny-mlp/infer', body, headers)
    expect(response.status).toBe(400)
    expect(await errorOf(response)).not.toBe('')
  })

  it('leaves the endpoint as it was', async () => {
    const { infer } = await startServer()
    await Promise.all([infer('tiny-mlp', {}), infer('gather', {}), infer('nope', {}), infer('tiny-mlp', 'x')])
    expect((await infer('tiny-mlp', mlpRequest([1, 2, 3, 4]))).status).toBe(200)
  })
})

describe('an address that leads nowhere', () => {
  it.each([
    '/v2/models/nope',
    '/v2/models/nope/ready',
    '/v2/models/several',
    '/v2/models/tiny-mlp/versions/2',
    '/v2/nope',
    '/',
  ])('%s is 404', async (path) => {
    const { url } = await startServer()
    const response = await fetch(url + path)
    expect(response.status).toBe(404)
    await errorOf(response)
  })

  it('a name of thousands of letters is 404', async () => {
    const { url } = await startServer()
    expect((await fetch(`${url}/v2/models/${'x'.repeat(5000)}`)).status).toBe(404)
  })

  it('an unknown model is 404 before its body is read', async () => {
    const { post } = await startServer({ maxBodyBytes: 10 })
    expect((await post('/v2/models/nope/infer', new Uint8Array(100))).status).toBe(404)
  })

  it('an address that cannot be decoded is 400, and a page can read it', async () => {
    const { url } = await startServer()
    const response = await fetch(`${url}/v2/models/%E0%A4%A`)
    expect(response.status).toBe(400)
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe('*')
    await errorOf(response)
  })

  it('the wrong verb is 405 with the right one', async () => {
    const { url } = await startServer()
    const response = await fetch(`${url}/v2/models/tiny-mlp/infer`)
    expect(response.status).toBe(405)
    expect(response.headers.get('Allow')).toBe('POST')
    await errorOf(response)
    expect((await fetch(`${url}/v2/models/tiny-mlp`, { method: 'DELETE' })).status).toBe(405)
  })
})

describe('a failure of the endpoint', () => {
  it('to run on these values is 400, says which model, and keeps the reason for the log', async () => {
    const { infer, log } = await startServer()
    const at = (index: number) => ({
      inputs: [
        { name: 'x', datatype: 'FP32', shape: [2], data: [5, 6] },
        { name: 'at', datatype: 'INT64', shape: [1], data: [index] },
      ],
    })

    const response = await infer('gather', at(99))

    expect(response.status).toBe(400)
    const error = await errorOf(response)
    expect(error).toContain('model "gather" cannot run on these values')
    expect(error).not.toMatch(/onnxruntime|Gather|[/\\]/)
    const requestId = response.headers.get('X-Request-Id')
    expect(error).toContain(requestId)
    const entry = log.find((candidate) => candidate['requestId'] === requestId && candidate['err'] !== undefined)
    expect(JSON.stringify(entry)).toContain('Gather')
    expect(await (await infer('gather', at(1))).json()).toMatchObject({ outputs: [{ data: [6] }] })
  })

  it('to load a model is 500, and the model is not ready afterwards', async () => {
    const { infer, url } = await startServer()
    expect((await fetch(`${url}/v2/models/broken/ready`)).status).toBe(200)

    const response = await infer('broken', pairOf(rows(1), rows(1)))

    expect(response.status).toBe(500)
    expect(await errorOf(response)).toContain('model "broken" could not be loaded')
    expect((await fetch(`${url}/v2/models/broken/ready`)).status).toBe(503)
    const index = (await (await fetch(`${url}/v2/repository/index`, { method: 'POST' })).json()) as unknown
    expect(index).toContainEqual(expect.objectContaining({ name: 'broken', state: 'UNAVAILABLE' }))
    expect(index).toContainEqual({ name: 'pair', version: 'r1', state: 'READY', reason: '' })
  })

  it('refuses a file that is not what its manifest says', async () => {
    const { infer, folder, log } = await startServer()
    await writeFile(join(folder, 'pair', 'model.onnx'), 'changed')

    const response = await infer('pair', pairOf(rows(1), rows(1)))

    expect(response.status).toBe(500)
    expect(await errorOf(response)).not.toContain(folder)
    expect(JSON.stringify(log)).toContain('pack the model again')
  })
})

describe('a client that does not speak HTTP well', () => {
  it('gets an answer in JSON too', async () => {
    const { url } = await startServer()
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.end('NONSENSE\r\n\r\n')
    const chunks: Buffer[] = []
    for await (const chunk of socket) chunks.push(chunk as Buffer)
    const [head, body] = Buffer.concat(chunks).toString().split('\r\n\r\n')
    expect(head).toMatch(/^HTTP\/1.1 400/)
    expect(JSON.parse(body ?? '')).toHaveProperty('error')
  })
})
