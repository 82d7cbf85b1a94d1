/** Several addresses in the option `models`: the next one takes over, for the manifest and chunk by chunk. */
import { expect, test } from 'vitest'
import { testClient, tinyInput } from './support/clients.js'
import type { Fault } from './support/faults.js'
import { serveRevisions } from './support/model-revisions.js'

const gone: Fault = { kind: 'status', status: 404 }

test.each<[string, Fault[], Fault[]]>([
  ['has no manifest', [gone], []],
  ['has no file', [], [gone]],
  ['sends pages for all', [{ kind: 'html' }], [{ kind: 'html' }]],
  ['serves wrong bytes', [], [{ kind: 'flip-byte', at: 1000 }]],
])('when the first mirror %s, the second one takes over', async (_, manifestFaults, graphFaults) => {
  const second = await serveRevisions('r1')
  const first = await serveRevisions('r1', second)
  const models = [first.modelsUrl, second.modelsUrl]
  const healthy = testClient({ models: second.modelsUrl, backends: ['wasm'] })
  const { output } = await healthy.run(second.model, tinyInput())
  await healthy.models.download(second.model) // It is stored now, so that it can be removed.
  await healthy.models.remove(second.model)
  await second.misbehave('graph')
  await first.misbehave('manifest', ...manifestFaults)
  await first.misbehave('graph', ...graphFaults)
  const edge = testClient({ models, backends: ['wasm'] })
  expect((await edge.run(second.model, tinyInput())).output).toEqual(output)
  expect((await second.requests('graph')).length).toBeGreaterThan(0)
  expect((await edge.models.download(second.model)).state).toBe('cached')
})

test('while the first mirror serves, the second is not asked', async () => {
  const second = await serveRevisions('r1')
  const first = await serveRevisions('r1', second)
  const edge = testClient({ models: [first.modelsUrl, second.modelsUrl], backends: ['wasm'] })
  await edge.run(second.model, tinyInput())
  expect([await second.requests('manifest'), await second.requests('graph')]).toEqual([[], []])
})

test('a model that came from one mirror serves as that of the others, and of nobody else', async () => {
  const second = await serveRevisions('r1')
  const first = await serveRevisions('r1', second)
  const one = testClient({ models: second.modelsUrl, backends: ['wasm'] })
  await one.models.download(second.model)
  const both = testClient({ models: [first.modelsUrl, second.modelsUrl], backends: ['wasm'], updates: 'manual' })
  await both.run(second.model, tinyInput())
  expect(await first.requests('manifest')).toEqual([])
  const third = await serveRevisions('r1', second)
  await testClient({ models: third.modelsUrl, backends: ['wasm'] }).run(second.model, tinyInput())
  expect(await third.requests('manifest')).toHaveLength(1)
})

test('when no mirror has the model, the error names all', async () => {
  const second = await serveRevisions('r1')
  const first = await serveRevisions('r1', second)
  for (const mirror of [first, second]) await mirror.misbehave('manifest', gone)
  const edge = testClient({ models: [first.modelsUrl, second.modelsUrl], backends: ['wasm'] })
  const failing = edge.run(second.model, tinyInput())
  await expect(failing).rejects.toMatchObject({ code: 'MANIFEST_NOT_FOUND' })
  for (const { modelsUrl } of [first, second]) await expect(failing).rejects.toThrow(modelsUrl)
})
