/** Placement by measurement, whole: real models, the real worker, the real endpoint behind one that watches. */
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Client, EdgewardEvents, EventName, Result, Trace } from 'edgeward'
import { cosine, testClient, tinyInput } from './support/clients.js'
import { serveModel } from './support/models.js'
import { watchedEndpoint } from './support/watched-endpoint-client.js'

const miniLm = 'all-minilm-l6-v2'
const wasm = { engine: 'device', backend: 'wasm', variant: 'q8' } as const
const sentence = 'A man is playing a guitar on stage.'

/** Everything of a kind that the client tells from now on. */
function heard<E extends EventName>(edge: Client, name: E): EdgewardEvents[E][] {
  const all: EdgewardEvents[E][] = []
  edge.on(name, (event) => all.push(event))
  return all
}

function once<E extends EventName>(edge: Client, name: E): Promise<EdgewardEvents[E]> {
  return new Promise((resolve) => {
    const stop = edge.on(name, (event) => {
      stop()
      resolve(event)
    })
  })
}

const spansOf = ({ spans }: Trace) => spans.map(({ name }) => name)
const vectorOf = ({ output }: Result<readonly Float32Array[]>) => output[0] ?? new Float32Array()

test('a first visit on a slow link: the endpoint answers while the model comes, then the device does', async () => {
  const { modelsUrl, model, graph } = await serveModel(miniLm)
  await graph.misbehave({ kind: 'drip', pieces: 20, everyMs: 100 })
  const { remote, endpoint, inferences } = watchedEndpoint()
  const edge = testClient({ models: modelsUrl, remote, hedgeShare: 0 })
  const traces = heard(edge, 'request')
  const moves = heard(edge, 'placement')
  const loaded = heard(edge, 'ready')
  const ready = once(edge, 'ready')
  const embed = edge.pipeline('feature-extraction', model)

  const before = [await embed([sentence])]
  while (loaded.length === 0 && before.length < 5) before.push(await embed([sentence]))
  const answeredBefore = before.length
  expect(moves).toEqual([])
  await ready
  const asked = (await inferences()).length
  // One: of a device that was measured to be slow, as on a busy machine, the next may go to the endpoint.
  const after = [await embed([sentence])]

  expect(before.map(({ placement }) => placement)).toEqual(before.map(() => ({ engine: 'remote', endpoint })))
  expect(after.map(({ placement }) => placement)).toEqual([wasm])
  expect(asked).toBe(answeredBefore)
  expect(await inferences()).toHaveLength(asked)
  for (const result of before) expect(cosine(vectorOf(result), vectorOf(after[0]!))).toBeGreaterThan(0.999)

  const [first] = traces
  expect(first).toMatchObject({ outcome: 'answered', placement: { engine: 'remote' }, plan: { prepareNext: wasm } })
  expect(first?.plan?.placements[0]?.reason).toContain('on its way to the device')
  expect(traces.slice(0, answeredBefore).map(spansOf)).toEqual(
    before.map(() => expect.arrayContaining(['plan', 'attempt', 'preprocess', 'network']) as unknown),
  )
  for (const trace of traces.slice(answeredBefore)) {
    expect(spansOf(trace)).toEqual(expect.arrayContaining(['plan', 'attempt', 'run']))
    expect(spansOf(trace).filter((name) => ['download', 'session', 'network'].includes(name))).toEqual([])
  }
  expect(moves).toEqual([
    { model, from: { engine: 'remote', endpoint }, to: wasm, reason: expect.stringContaining('ready') as string },
  ])
  expect(traces[answeredBefore]?.notes.map(({ what }) => what)).toEqual(['placement'])
})

test('with no endpoint the first request waits for the model, and its trace says for what', async () => {
  const { modelsUrl, model } = await serveModel('tiny-mlp')
  const edge = testClient({ models: modelsUrl })
  const traces = heard(edge, 'request')
  const progress = heard(edge, 'download')
  expect((await edge.run(model, tinyInput())).placement).toMatchObject({ engine: 'device' })
  expect(progress.length).toBeGreaterThan(0)
  expect(traces.map(spansOf)).toEqual([expect.arrayContaining(['plan', 'attempt', 'download', 'session', 'run'])])
})

test.each([
  ['data is to be saved', { saveData: 'on' }, { savesData: true }, 'data is to be saved, and an endpoint can answer'],
  [
    'the download is larger than the policy allows',
    { maxDownloadBytes: 1_000_000 },
    { maxDownloadBytes: 1_000_000 },
    'and the policy allows a download of 1 MB',
  ],
] as const)('no weights are fetched where %s, and the plan says so', async (_why, policy, details, reason) => {
  const { modelsUrl, model, graph } = await serveModel(miniLm)
  const { remote, endpoint, inferences } = watchedEndpoint()
  const edge = testClient({ models: modelsUrl, remote, policy })
  const embed = edge.pipeline('feature-extraction', model)
  for (let round = 0; round < 3; round += 1)
    expect((await embed([sentence])).placement).toEqual({ engine: 'remote', endpoint })
  expect(await edge.prepare(model)).toEqual({ engine: 'remote', endpoint })
  const { ruledOut, prepareNext } = await edge.explain(model, sentence)
  expect(prepareNext).toBeUndefined()
  expect(ruledOut.find(({ placement }) => 'backend' in placement && placement.backend === 'wasm')).toMatchObject({
    placement: wasm,
    code: 'NOT_CACHED',
    details: { ...details, missingBytes: expect.any(Number) as number },
    reason: expect.stringMatching(new RegExp(`lacks [0-9.]+ MB.*${reason}`)) as string,
  })
  expect(await inferences()).toHaveLength(3)
  expect(await graph.requests()).toEqual([])
})

test('where data is to be saved and nobody else can answer, the model is fetched all the same', async () => {
  const { modelsUrl, model } = await serveModel(miniLm)
  const edge = testClient({ models: modelsUrl, policy: { saveData: 'on' } })
  expect((await edge.pipeline('feature-extraction', model)([sentence])).placement).toEqual(wasm)
})

test('what one visit measured is what the next one plans with', async () => {
  const { modelsUrl, model } = await serveModel(miniLm)
  const first = testClient({ models: modelsUrl })
  const embed = first.pipeline('feature-extraction', model)
  for (let round = 0; round < 6; round += 1) await embed([sentence])
  await first.dispose()
  const { placements } = await testClient({ models: modelsUrl }).explain(model, sentence)
  expect(placements).toMatchObject([{ placement: wasm, readiness: 'cached', estimate: { basis: 'measured' } }])
  expect(placements[0]?.estimate.samples).toBeGreaterThanOrEqual(6)
})

/** Keeps the machine that the tests run on, which may be busy, from shifting plans. */
function withoutPressure(): void {
  vi.stubGlobal('PressureObserver', undefined)
  onTestFinished(() => void vi.unstubAllGlobals())
}

test('a shadow run on the endpoint agrees with the device, and is told once', async () => {
  withoutPressure()
  const { remote, endpoint, inferences } = watchedEndpoint()
  // Of a revision that nobody measured: a device that is known to be slow would leave it to the endpoint.
  const { modelsUrl } = await serveModel(miniLm)
  const edge = testClient({ models: modelsUrl, remote, shadowShare: 1, hedgeShare: 0 })
  await edge.prepare(miniLm)
  expect(await inferences()).toEqual([])
  const shadow = once(edge, 'shadow')
  const { placement } = await edge.pipeline('feature-extraction', miniLm)([sentence])
  expect(placement).toEqual(wasm)
  expect(await shadow).toMatchObject({ agreed: true, answered: wasm, shadow: { engine: 'remote', endpoint } })
  expect(await inferences()).toHaveLength(1)
})

test('two models that do not fit into memory together are answered in turn, each by its own device run', async () => {
  const tiny = await serveModel('tiny-mlp', 'other-mlp')
  const { modelsUrl, model } = await serveModel('tiny-mlp')
  const [one, other] = [model, tiny.model]
  expect(modelsUrl).not.toBe(tiny.modelsUrl)
  const first = testClient({ models: modelsUrl })
  const { placements } = await first.explain(one)
  const bytes = placements[0]?.estimate.memoryBytes ?? NaN
  const edge = testClient({ models: [modelsUrl, tiny.modelsUrl], policy: { maxMemoryBytes: Math.ceil(bytes * 1.5) } })
  const loads = heard(edge, 'ready')
  const expected = (await edge.run(one, tinyInput())).output
  for (const name of [other, one, other]) {
    const { output, placement } = await edge.run(name, tinyInput())
    expect(placement).toMatchObject({ engine: 'device' })
    expect(output).toEqual(expected)
  }
  expect(loads.map(({ model: loaded }) => loaded)).toEqual([one, other, one, other])
})
