/** Requests that are too large, too deep, or lie about their sizes: refused with a reason, and no memory kept. */
import { expect, it } from 'vitest'
import { copyModels, startEndpoint } from './support/endpoint.js'
import { connectRaw } from './support/raw-client.js'
import { encode, expectError, infer, inferUrl, Reference, rowOf, send } from './support/requests.js'

const row = rowOf(1, 2, 3, 4)
const mebibyte = 1024 * 1024
const jsonBytesHeader = 'Inference-Header-Content-Length'

async function start(args: readonly string[] = [], nodeArgs: readonly string[] = []) {
  const endpoint = await startEndpoint(await copyModels('tiny-mlp', 'echo-string'), args, nodeArgs)
  const reference = await Reference.open('tiny-mlp')
  const works = async () => reference.expectSame(row, await infer(endpoint.url, 'tiny-mlp', row))
  await works()
  const ask = (body: string | Uint8Array, headers = {}, model = 'tiny-mlp') =>
    send({ url: inferUrl(endpoint.url, model), body, headers })
  return { ...endpoint, works, ask }
}

const jsonOf = (input: object, more = {}) =>
  JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', ...input }], ...more })

it('a body that says it is too large is 413 before it has been sent', async () => {
  const { port, works } = await start()
  const client = await connectRaw(port)
  client.socket.write(`POST /v2/models/tiny-mlp/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000000\r\n\r\n`)
  await expect.poll(client.received).toMatch(/^HTTP\/1.1 413 [^]*"error":"the request's body is larger/)
  await works()
})

it('a body that turns out too large is 413, whoever sends it, and nothing of it stays in memory', async () => {
  const { url, residentBytes, works } = await start(['--max-body-bytes', String(mebibyte)])
  const before = residentBytes()
  for (let round = 0; round < 5; round += 1) {
    const ofNoLength = new Blob([new Uint8Array(32 * mebibyte)]).stream()
    const bodies = [new Uint8Array(32 * mebibyte), ofNoLength]
    for (const body of bodies) {
      const options = { method: 'POST', body, duplex: 'half' }
      const response = await fetch(inferUrl(url, 'tiny-mlp'), options)
      expect(response.status).toBe(413)
      expect(await response.json()).toEqual({ error: expect.stringContaining(`${mebibyte} bytes`) as string })
    }
  }
  await works()
  expect(residentBytes() - before).toBeLessThan(100 * mebibyte)
})

it('a head that is too large is 431 in the shape of the protocol', async () => {
  const { port, works } = await start()
  const client = await connectRaw(port)
  client.socket.write(`GET /v2 HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(100_000)}\r\n\r\n`)
  const [head, body] = (await client.ended).split('\r\n\r\n')
  expect(head).toMatch(/^HTTP\/1.1 431 /)
  expect(JSON.parse(body ?? '')).toEqual({ error: expect.stringContaining('16384 bytes') as string })
  await works()
})

const huge = Number.MAX_SAFE_INTEGER
const monsters: readonly (readonly [what: string, body: string])[] = [
  ['a shape whose product overflows', jsonOf({ shape: [huge, huge, huge], data: [1] })],
  ['a shape whose product is infinite', jsonOf({ shape: Array(40).fill(huge), data: [1] })],
  ['a shape whose product is infinity times nothing', jsonOf({ shape: [...Array(40).fill(huge), 0], data: [] })],
  ['a shape of a hundred thousand dimensions', jsonOf({ shape: Array(100_000).fill(1), data: [1] })],
  ['no values, and a dimension that no tensor has', jsonOf({ shape: [huge, 0], data: [] })],
  [
    'a hundred thousand tensors',
    JSON.stringify({ inputs: Array.from({ length: 1e5 }, (_, index) => tensor(`t${index}`)) }),
  ],
  [
    'a hundred thousand outputs',
    jsonOf({ shape: [1, 4], data: [1, 2, 3, 4] }, { outputs: Array(1e5).fill({ name: 'y' }) }),
  ],
  ['a name of eight million letters', JSON.stringify({ inputs: [tensor('x'.repeat(8e6))] })],
  ['a datatype of eight million letters', jsonOf({ datatype: 'F'.repeat(8e6), shape: [1, 4], data: [1, 2, 3, 4] })],
  ['lists in lists, a million deep', `{"inputs":${'['.repeat(1e6)}${']'.repeat(1e6)}}`],
  ['objects in objects, half a million deep', `${'{"inputs":'.repeat(5e5)}1${'}'.repeat(5e5)}`],
  ['deep lists beside a long integer', `{"id":12345678901234567890,"inputs":${'['.repeat(1e6)}${']'.repeat(1e6)}}`],
  ['data that is deep', jsonOf({ shape: [1, 4] }).replace('}]', `,"data":${'['.repeat(1e6)}${']'.repeat(1e6)}}]`)],
  ['a tail of open brackets', '['.repeat(2e6)],
]

it('shapes that overflow, lists without end, depths without bottom: all are 400, and it goes on', async () => {
  const { ask, works } = await start()
  for (const [what, body] of monsters) {
    const answer = await ask(body)
    expect([what, answer.status]).toEqual([what, 400])
    expectError(answer, 400)
  }
  await works()
})

function tensor(name: string) {
  return { name, datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] }
}

it('a length of the JSON that is wrong is 400', async () => {
  const { ask, works } = await start()
  const { body, headers } = encode(row, true)
  const right = Number(headers[jsonBytesHeader])
  const wrong = [right - 1, right + 1, 9e15, -1, 0, 1.5, 'NaN', '', '0x10', `${right}, ${right}`, '9'.repeat(400)]
  for (const value of wrong) {
    const reason = expectError(await ask(body, { [jsonBytesHeader]: String(value) }), 400)
    expect(reason).not.toBe('')
  }
  expectError(await ask(body, { [jsonBytesHeader]: [String(right), String(right)] }), 400)
  await works()
})

it('sizes of binary tensors that lie are 400', async () => {
  const { ask, works } = await start()
  for (const size of [0, 15, 17, 2 ** 31, huge, -16, 1.5, '16', null]) {
    const json = jsonOf({ shape: [1, 4], parameters: { binary_data_size: size } })
    const body = Buffer.concat([Buffer.from(json), Buffer.alloc(16)])
    expectError(await ask(body, { [jsonBytesHeader]: String(json.length) }), 400)
  }
  await works()
})

it('lengths inside BYTES that lie are 400', async () => {
  const { ask, url, works } = await start()
  const { inputs } = JSON.parse(
    (await send({ url: `${url}/v2/models/echo-string`, method: 'GET' })).body.toString(),
  ) as {
    inputs: { name: string; datatype: string }[]
  }
  const text = inputs.find(({ datatype }) => datatype === 'BYTES')
  for (const length of [3, 5, 0xffffffff, 0x7fffffff]) {
    const bytes = Buffer.alloc(8)
    bytes.writeUInt32LE(length)
    const json = JSON.stringify({ inputs: [{ ...text, shape: [1], parameters: { binary_data_size: 8 } }] })
    const body = Buffer.concat([Buffer.from(json), bytes])
    expectError(await ask(body, { [jsonBytesHeader]: String(json.length) }, 'echo-string'), 400)
  }
  await works()
})

it('what is refused leaves memory level', { timeout: 120_000 }, async () => {
  // Node's heap grows for as long as it may before it is swept: here it must be swept, or the process ends.
  const { ask, residentBytes, works } = await start([], ['--max-old-space-size=192'])
  const bodies = [
    JSON.stringify({ inputs: [tensor('x'.repeat(8e6))] }),
    `{"inputs":[${'[],'.repeat(1e6)}1]}`,
    `{"inputs":[${'{},'.repeat(1e6)}1]}`,
  ]
  const round = async () => {
    for (const body of bodies) expectError(await ask(body), 400)
  }
  for (let warmUp = 0; warmUp < 3; warmUp += 1) await round()
  const before = residentBytes()
  // 14 MB of text each, and several times as much when it is read: a kept round would show.
  for (let again = 0; again < 20; again += 1) await round()
  await works()
  expect(residentBytes() - before).toBeLessThan(200 * mebibyte)
})
