/** Clients that are slow or silent: others are answered meanwhile, and limits end their connections. */
import { Agent } from 'node:http'
import { expect, it, onTestFinished } from 'vitest'
import { copyModels, startEndpoint } from './support/endpoint.js'
import { connectRaw, drip } from './support/raw-client.js'
import { infer, Reference, rowOf, send } from './support/requests.js'

const shortLimits = [
  ...['--head-time-limit-ms', '1000', '--arrival-time-limit-ms', '1500'],
  ...['--keep-alive-time-limit-ms', '1000'],
]
const post = 'POST /v2/models/tiny-mlp/infer HTTP/1.1\r\nHost: x\r\n'
const row = rowOf(1, 2, 3, 4)

it('a thousand idle connections and heads that come byte by byte: others are answered, and all of them end', async () => {
  const endpoint = await startEndpoint(await copyModels('tiny-mlp'), shortLimits)
  const reference = await Reference.open('tiny-mlp')
  const silent = await Promise.all(Array.from({ length: 900 }, () => connectRaw(endpoint.port)))
  const slow = await Promise.all(Array.from({ length: 100 }, () => connectRaw(endpoint.port)))
  for (const client of slow) drip(client, `${post}${'X-Slow: 1\r\n'.repeat(1000)}`, 100)

  await reference.expectSame(row, await infer(endpoint.url, 'tiny-mlp', row))

  for (const answer of await Promise.all(slow.map(({ ended }) => ended))) expect(answer).toMatch(/^HTTP\/1.1 408 /)
  await Promise.all(silent.map(({ ended }) => ended))
  await reference.expectSame(row, await infer(endpoint.url, 'tiny-mlp', row))
})

it('a body that comes byte by byte is 408 in the shape of the protocol, which pages can read', async () => {
  const endpoint = await startEndpoint(await copyModels('tiny-mlp'), shortLimits)
  const client = await connectRaw(endpoint.port)
  client.socket.write(`${post}Content-Length: 100000\r\n\r\n`)
  drip(client, ' '.repeat(100_000), 50)

  const [head, body] = (await client.ended).split('\r\n\r\n')

  expect(head).toMatch(/^HTTP\/1.1 408 /)
  expect(head).toContain('Access-Control-Allow-Origin: *')
  expect(JSON.parse(body ?? '')).toEqual({ error: 'the request took too long to arrive' })
})

it('a connection that is kept and not used is ended; one that is used is kept', async () => {
  const endpoint = await startEndpoint(await copyModels('tiny-mlp'), shortLimits)
  const client = await connectRaw(endpoint.port)
  const request = 'GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n'
  client.socket.write(request)
  await expect.poll(client.received).toContain('{"live":true}')
  client.socket.write(request)
  const all = await client.ended
  expect(all.match(/\{"live":true\}/g)).toHaveLength(2)
})

it('more connections than there may be are closed at once, and those there are go on', async () => {
  const endpoint = await startEndpoint(await copyModels('tiny-mlp'), ['--max-connections', '3'])
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  onTestFinished(() => agent.destroy())
  const live = { url: `${endpoint.url}/v2/health/live`, method: 'GET', agent }
  expect((await send(live)).status).toBe(200)
  await connectRaw(endpoint.port)
  await connectRaw(endpoint.port)

  const tooMany = await connectRaw(endpoint.port)

  expect(await tooMany.ended).toBe('')
  expect((await send(live)).status).toBe(200)
})
