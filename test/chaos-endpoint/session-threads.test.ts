/** A session's thread that crashes, ends, runs out of memory or hangs: its request fails cleanly, nothing else does. */
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { copyModels, startEndpoint } from './support/endpoint.js'
import { expectError, infer, Reference, rowOf, send, tokensOf } from './support/requests.js'

const injection = fileURLToPath(new URL('./support/failing-threads.mjs', import.meta.url))
const nodeArgs = ['--import', injection, '--max-old-space-size=100']
const row = rowOf(1, 2, 3, 4)
const tokens = tokensOf(101, 7592, 102)
const minilm = 'all-minilm-l6-v2'

async function start(args: readonly string[] = []) {
  const endpoint = await startEndpoint(await copyModels('tiny-mlp', minilm), args, nodeArgs)
  const [small, other] = [await Reference.open('tiny-mlp'), await Reference.open(minilm)]
  const works = async () => small.expectSame(row, await infer(endpoint.url, 'tiny-mlp', row))
  const otherWorks = async () => other.expectSame(tokens, await infer(endpoint.url, minilm, tokens))
  await works()
  await otherWorks()
  return { ...endpoint, works, otherWorks }
}

it.each([
  ['crashes', -1001],
  ['ends', -1002],
  ['runs out of memory', -1003],
])('a thread that %s costs its request a 500, and is replaced', async (_what, injected) => {
  const { url, log, works, otherWorks, kill, ended } = await start()

  const failed = infer(url, 'tiny-mlp', rowOf(injected, 0, 0, 0))
  const [next] = await Promise.all([infer(url, 'tiny-mlp', row), otherWorks()])

  expect(expectError(await failed, 500)).toContain('model "tiny-mlp" failed')
  expect(log()).toContain("the session's thread")
  expect(next.status).toBe(200)
  await works()
  kill('SIGTERM')
  expect(await ended).toBe(0)
})

it('a thread that hangs costs its request a 500, and is replaced; the process ends in spite of it', async () => {
  const limits = ['--run-time-limit-ms', '3000', '--shutdown-time-limit-ms', '500']
  const { url, log, works, otherWorks, kill, ended } = await start(limits)

  const failed = infer(url, 'tiny-mlp', rowOf(-1004, 0, 0, 0))
  await otherWorks()

  expect(expectError(await failed, 500)).toContain('model "tiny-mlp" failed')
  expect(log()).toContain('took longer than 3000 ms, and is replaced')
  await works()
  await otherWorks()
  kill('SIGTERM')
  expect(await ended).toBe('SIGKILL')
})

it('a model whose threads keep hanging is not ready, and takes no more processors', async () => {
  const { url, otherWorks } = await start(['--run-time-limit-ms', '3000'])
  for (let time = 0; time < 2; time += 1) {
    expectError(await infer(url, 'tiny-mlp', rowOf(-1004, 0, 0, 0)), 500)
  }
  expectError(await infer(url, 'tiny-mlp', row), 500)
  expect((await send({ url: `${url}/v2/models/tiny-mlp/ready`, method: 'GET' })).status).toBe(503)
  await otherWorks()
})
