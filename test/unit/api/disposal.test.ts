/** A client that is disposed of in the middle of something: what is pending ends, and nothing goes on. */
import { expect, it } from 'vitest'
import { Knowledge } from '../../../packages/sdk/src/api/knowledge.js'
import { createDeferred } from '../../../packages/sdk/src/shared/index.js'
import { measureDevice, createFakeClient, engineOf, remote, x, y } from './fake-client.js'

const forever = () => new Promise<never>(() => undefined)
const disposed = { code: 'DISPOSED' }

it.each([
  ['the model is looked up', { locate: forever }],
  ['the device is probed', { probe: forever }],
  ['the device answers', { engines: { device: engineOf('device', { run: forever }) } }],
  ['the endpoint answers', { engines: { remote: engineOf('remote', { run: forever }) } }],
  ['the device is made ready', { engines: { device: engineOf('device', { run: forever, prepare: forever }) } }],
])('while %s, with or without a deadline', async (_, parts) => {
  const { client } = createFakeClient(parts)
  const pending = [client.run('model', x), client.run('model', x, { policy: { deadlineMs: 60_000 } })]
  const ends = Promise.all(pending.map((request) => expect(request).rejects.toMatchObject(disposed)))
  await Promise.resolve()
  await client.dispose()
  await ends
  await expect(client.run('model', x)).rejects.toMatchObject(disposed)
  await expect(client.explain('model')).rejects.toMatchObject(disposed)
  await expect(client.doctor()).rejects.toMatchObject(disposed)
})

it('while a model comes in the background, a request is run again and a hedge is under way', async () => {
  const hedged = createDeferred<undefined>()
  const knowledge = new Knowledge(
    { recall: () => Promise.resolve({ records: [] }), remember: () => Promise.resolve(), benchmark: forever },
    1,
  )
  await measureDevice(knowledge)
  const answer = () => {
    hedged.resolve(undefined)
    return forever()
  }
  const { client } = createFakeClient({
    knowledge,
    engines: { device: engineOf('device', { run: forever }), remote: engineOf('remote', { run: answer }) },
    options: { hedgeShare: 1, shadowShare: 1 },
  })
  const running = expect(client.run('model', x)).rejects.toMatchObject(disposed)
  await hedged.promise
  await client.dispose()
  await running
})

it('from within a listener, the answer that it heard of comes all the same, and later ones do not', async () => {
  const { client } = createFakeClient({ readiness: () => undefined })
  client.on('answer', () => void client.dispose())
  const first = await client.run('model', x)
  expect(first).toMatchObject({ placement: remote, output: y })
  await expect(client.run('model', x)).rejects.toMatchObject(disposed)
})
