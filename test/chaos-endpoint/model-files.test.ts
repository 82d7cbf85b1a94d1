/** Model files that change while they are served, or are damaged from the start. */
import { readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { copyModels, startEndpoint } from './support/endpoint.js'
import { expectError, infer, Reference, rowOf, send, tokensOf } from './support/requests.js'

const row = rowOf(1, 2, 3, 4)
const tokens = tokensOf(101, 7592, 102)
const minilm = 'all-minilm-l6-v2'

/** What may happen to a file that is in use. */
const accidents: Readonly<Record<string, (file: string) => Promise<void>>> = {
  'replaced by another': async (file) => {
    await writeFile(`${file}.new`, 'another model')
    await rename(`${file}.new`, file)
  },
  'overwritten in place': async (file) => {
    const { length } = await readFile(file)
    await writeFile(file, Buffer.alloc(length, 7))
  },
  'cut short in place': (file) => truncate(file, 100),
  deleted: (file) => rm(file),
}

it.each(Object.keys(accidents))('a file that is %s while it is served changes no answer', async (accident) => {
  const folder = await copyModels('tiny-mlp', minilm)
  const { url } = await startEndpoint(folder)
  const reference = await Reference.open(minilm)
  const ask = () => infer(url, minilm, tokens)
  await reference.expectSame(tokens, await ask())

  const underWay = Array.from({ length: 10 }, ask)
  await accidents[accident]?.(join(folder, minilm, 'model_q8.onnx'))
  const later = await Promise.all(Array.from({ length: 10 }, ask))

  for (const answer of [...(await Promise.all(underWay)), ...later]) await reference.expectSame(tokens, answer)
})

it('a file that changed before its session was opened is refused, and the endpoint goes on', async () => {
  const folder = await copyModels('tiny-mlp', minilm)
  const { url } = await startEndpoint(folder)
  const file = join(folder, 'tiny-mlp', 'model.onnx')
  const right = await readFile(file)
  await writeFile(file, Buffer.alloc(right.length, 7))

  expectError(await infer(url, 'tiny-mlp', row), 500)

  await (await Reference.open(minilm)).expectSame(tokens, await infer(url, minilm, tokens))
  await writeFile(file, right)
  const repaired = await vi.waitUntil(async () => {
    const answer = await infer(url, 'tiny-mlp', row)
    return answer.status === 200 ? answer : undefined
  }, 10_000)
  await (await Reference.open('tiny-mlp')).expectSame(row, repaired)
  expect((await send({ url: `${url}/v2/models/tiny-mlp/ready`, method: 'GET' })).status).toBe(200)
})

it.each<[string, (right: Buffer) => Buffer | undefined]>([
  ['empty', () => Buffer.alloc(0)],
  ['cut short', (right) => right.subarray(0, right.length >> 1)],
  ['full of other bytes', (right) => Buffer.alloc(right.length, 0x5a)],
  ['wrong in one bit', (right) => Buffer.from(right.map((byte, at) => (at === 500 ? byte ^ 1 : byte)))],
  ['missing', () => undefined],
])('a file that is %s at the start is named, and the other models are served', async (_what, damage) => {
  const folder = await copyModels('tiny-mlp', minilm)
  const file = join(folder, 'tiny-mlp', 'model.onnx')
  const damaged = damage(await readFile(file))
  if (damaged) await writeFile(file, damaged)
  else await rm(file)

  const { url, log } = await startEndpoint(folder)

  const ready = async (path: string) => (await send({ url: `${url}/v2/${path}/ready`, method: 'GET' })).status
  await vi.waitUntil(async () => (await ready('models/tiny-mlp')) === 503, 10_000)
  expect(log()).toContain('model "tiny-mlp" is not served')
  const reason = expectError(await infer(url, 'tiny-mlp', row), 500)
  expect(reason).toContain('model "tiny-mlp" could not be loaded')
  expect(reason).not.toContain(folder)
  expect(await ready(`models/${minilm}`)).toBe(200)
  expect(await ready('health')).toBe(200)
  await (await Reference.open(minilm)).expectSame(tokens, await infer(url, minilm, tokens))
})
