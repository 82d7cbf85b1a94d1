/** Models of a hub without a manifest, against a real server that plays the hub, with the worker as it is shipped. */
import { describe, expect, test } from 'vitest'
import type { ClientOptions, DownloadProgress } from 'edgeward'
import { cosine, testClient, tinyInput } from './support/clients.js'
import { commitOf, hubWithData, miniLm, otherOrigin, serveHub, tinyHub, unique, type ServedHub } from './support/hub.js'

const graph = 'onnx/model.onnx'
/** A repository that no other test has, whose cache is that of all tests. */
const uniqueModel = () => `hf:org/repo-${crypto.randomUUID()}`
const clientOf = ({ baseUrl }: ServedHub, token?: NonNullable<ClientOptions['huggingFace']>['token']) =>
  testClient({ backends: ['wasm'], huggingFace: { baseUrl, ...(token === undefined ? {} : { token }) } })

describe.each([
  ['a hub with an API', true],
  ['a mirror with files only', false],
])('%s', (_, hasApi) => {
  test('gives the same vectors as the packed model, and none of its files twice', async () => {
    const files = await miniLm()
    const hub = await serveHub(files, { hasApi })
    const model = uniqueModel()
    const edge = clientOf(hub)
    const text = 'How do I reset my password?'
    const fromHub = await edge.pipeline('feature-extraction', model)(text)
    const packed = await edge.pipeline('feature-extraction', 'all-minilm-l6-v2')(text)
    const [a, b] = [fromHub.output[0], packed.output[0]]
    expect(a && b && cosine(a, b)).toBeCloseTo(1, 6)
    expect(fromHub.placement).toMatchObject({ engine: 'device', variant: 'q8' })
    await expect.poll(async () => (await edge.models.status(model)).state).toBe('cached')
    const sent = (await hub.requests('onnx/model_quantized.onnx')).filter(({ range }) => range !== null)
    expect(sent.reduce((sum, { sentBytes }) => sum + sentBytes, 0)).toBe(files['onnx/model_quantized.onnx']?.length)
  })

  test('is asked for nothing on the second visit', async () => {
    const hub = await serveHub(await tinyHub(), { hasApi })
    const model = uniqueModel()
    const first = clientOf(hub)
    const { output } = await first.run(model, tinyInput())
    await expect.poll(async () => (await first.models.status(model)).state).toBe('cached')
    await first.dispose()
    await hub.change({})
    const second = testClient({ backends: ['wasm'], huggingFace: { baseUrl: hub.baseUrl }, updates: 'manual' })
    expect((await second.run(model, tinyInput())).output).toEqual(output)
    expect((await second.models.verify(model)).wrongChunks).toBe(0)
    expect(await hub.log()).toEqual([])
    expect((await second.models.remove(model)).freedBytes).toBeGreaterThan(0)
  })

  test('that has no such repository says what would be right', async () => {
    const hub = await serveHub({}, { hasApi, commit: await commitOf('nothing'), files: {} })
    const message = expect.stringContaining('onnx/model.onnx') as string
    await expect(clientOf(hub).models.download(uniqueModel())).rejects.toMatchObject({
      code: 'MANIFEST_NOT_FOUND',
      message,
    })
  })
})

test('a changed revision is noticed, and fetches what has changed', async () => {
  const hub = await serveHub(await tinyHub())
  const model = uniqueModel()
  const edge = clientOf(hub)
  const before = await edge.models.download(model)
  const commit = await commitOf('second')
  await hub.change({ commit }, { [graph]: unique((await tinyHub())[graph] ?? new Uint8Array()) })
  expect(await edge.models.checkForUpdate(model)).toMatchObject({ availableRevision: commit, isUpdate: true })
  const after = await edge.models.download(model)
  expect([before, after]).toMatchObject([{ state: 'cached' }, { state: 'cached', revision: commit }])
  expect(await edge.models.status(`${model}@main`)).toEqual(after)
  expect(await edge.models.status(`${model}@other`)).toEqual({ state: 'absent' })
})

test.each(['', '@main', '@v2'])(
  'what a name with "%s" stands for may move: the files that changed come in the background',
  async (at) => {
    const [before, commit] = [await commitOf(crypto.randomUUID()), await commitOf(crypto.randomUUID())]
    const files = hubWithData()
    const hub = await serveHub(files, { refs: ['main', 'v2'], commit: before })
    const model = uniqueModel()
    const first = testClient({ backends: ['wasm'], huggingFace: { baseUrl: hub.baseUrl }, updates: 'manual' })
    await first.models.download(model + at)
    await first.dispose()
    await hub.change({ commit }, { [graph]: unique(files[graph] ?? new Uint8Array()) })
    const edge = clientOf(hub)
    const update = new Promise((resolve) => edge.on('update', resolve))
    await edge.run(model + at, tinyInput())
    expect(await update).toEqual({ model, from: before, to: commit })
    expect(await edge.models.status(model + at)).toMatchObject({ revision: commit })
    // The graph's file twice, of each commit; the weights, which are the same, once.
    expect([await hub.requests(graph), await hub.requests(`${graph}_data`)]).toMatchObject([[{}, {}], [{}]])
    expect(await edge.models.checkForUpdate(model + at)).toMatchObject({ isUpdate: false, cachedRevision: commit })
  },
)

test.each([true, false])('weights beside a graph (model.onnx_data) come with it, API: %s', async (hasApi) => {
  const hub = await serveHub(hubWithData(), { hasApi })
  const model = uniqueModel()
  const first = clientOf(hub)
  const { output, placement } = await first.run(model, tinyInput())
  expect(placement).toMatchObject({ engine: 'device', variant: 'fp32' })
  // The weights are 0, 1, … 11, in rows of three.
  expect(Array.from(output['y']?.data as Float32Array)).toEqual([16.5, 19, 21.5, 66.75, 74, 81.25])
  await expect.poll(async () => (await first.models.status(model)).state).toBe('cached')
  await first.dispose()
  const second = testClient({ backends: ['wasm'], huggingFace: { baseUrl: hub.baseUrl }, policy: { offline: true } })
  expect((await second.run(model, tinyInput())).output).toEqual(output)
})

test('a hub whose API answers with a page is taken for a mirror with files only', async () => {
  const hub = await serveHub(await tinyHub(), { hasApi: 'page' })
  expect((await clientOf(hub).run(uniqueModel(), tinyInput())).placement).toMatchObject({ engine: 'device' })
})

test('a commit that is asked for is fetched from that commit, and stays: a later visit asks for nothing', async () => {
  const commit = await commitOf(crypto.randomUUID())
  const hub = await serveHub(await tinyHub(), { commit })
  const name = `${uniqueModel()}@${commit}`
  const first = clientOf(hub)
  await first.run(name, tinyInput())
  const paths = (await hub.log()).map(({ path }) => path)
  expect(paths.filter((path) => path.includes('/resolve/'))).toEqual([expect.stringContaining(`/resolve/${commit}/`)])
  await expect.poll(async () => (await first.models.status(name)).state).toBe('cached')
  await first.dispose()
  await hub.change({ commit: await commitOf('newer') })
  const second = clientOf(hub)
  await second.run(name, tinyInput())
  await second.dispose() // Ends what would go on in the background.
  expect(await hub.log()).toEqual([])
})

describe('a private hub', () => {
  test('without a token is refused with the name of the option', async () => {
    const hub = await serveHub(await tinyHub(), { token: 'hf_secret' })
    const message = expect.stringContaining('huggingFace.token') as string
    await expect(clientOf(hub).run(uniqueModel(), tinyInput())).rejects.toMatchObject({ message })
  })

  test('is asked with a token that is given anew each time, and never sends it on to another origin', async () => {
    const hub = await serveHub(await tinyHub(), { token: 'hf_secret', cdn: otherOrigin() })
    let asked = 0
    const edge = clientOf(hub, () => {
      asked += 1
      return Promise.resolve('hf_secret')
    })
    await edge.run(uniqueModel(), tinyInput())
    const log = await hub.log()
    const [there, elsewhere] = [true, false].map((isHub) => log.filter(({ host }) => host.startsWith('127.') === isHub))
    expect(asked).toBe(there?.length)
    expect(new Set(there?.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer hf_secret']))
    expect(elsewhere?.length).toBeGreaterThan(0)
    expect(elsewhere?.filter(({ authorization }) => authorization !== null)).toEqual([])
  })

  test('does not see its token in an error', async () => {
    const hub = await serveHub(await tinyHub(), { token: 'hf_right' })
    const failure = await clientOf(hub, 'hf_wrong')
      .models.download(uniqueModel())
      .catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'DOWNLOAD_FAILED', details: { status: 401 } })
    expect(JSON.stringify([failure, String(failure)])).not.toContain('hf_wrong')
  })

  test('whose token function fails says so', async () => {
    const hub = await serveHub(await tinyHub(), { token: 'hf_right' })
    const edge = clientOf(hub, () => Promise.reject(new Error('signed out')))
    const message = expect.stringContaining('signed out') as string
    await expect(edge.models.download(uniqueModel())).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED', message })
  })
})

test('a file with another SHA-256 than the hub told is refused, and nothing of it is kept', async () => {
  const files = await tinyHub()
  const bytes = files[graph]?.length ?? 0
  const hub = await serveHub(files, { files: { [graph]: { bytes, sha256: 'a'.repeat(64) } } })
  const edge = clientOf(hub)
  const model = uniqueModel()
  await edge.models.prune()
  await expect(edge.models.download(model)).rejects.toMatchObject({ code: 'INTEGRITY' })
  expect((await edge.models.prune()).freedBytes).toBe(0)
  await hub.change({}, files)
  await edge.dispose()
  expect((await clientOf(hub).models.download(model)).state).toBe('cached')
})

test('a download that is cut goes on after a reload, and fetches no chunk twice', async () => {
  const files = await miniLm()
  const large = 'onnx/model_quantized.onnx'
  const hub = await serveHub(files)
  const model = uniqueModel()
  await hub.misbehave(large, { kind: 'status', status: 404, skip: 4 })
  const first = clientOf(hub)
  await expect(first.models.download(model)).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' })
  await first.dispose()
  await hub.misbehave(large)
  const heard: DownloadProgress[] = []
  const status = await clientOf(hub).models.download(model, { onProgress: (progress) => heard.push(progress) })
  expect(status.state).toBe('cached')
  const { cachedBytes = 0, loadedBytes = 0, totalBytes = 0 } = heard.at(-1) ?? {}
  const sentBytes = (await hub.requests(large)).reduce((sum, request) => sum + request.sentBytes, 0)
  expect(cachedBytes).toBeGreaterThan(4 * 1024 * 1024)
  expect([cachedBytes + sentBytes, loadedBytes]).toEqual([totalBytes, totalBytes])
})

test('two clients that pin at once download once', async () => {
  const files = await miniLm()
  const hub = await serveHub(files)
  const model = uniqueModel()
  const states = await Promise.all([clientOf(hub), clientOf(hub)].map((edge) => edge.models.download(model)))
  expect(states.map(({ state }) => state)).toEqual(['cached', 'cached'])
  const sent = await hub.requests('onnx/model_quantized.onnx')
  expect(sent.reduce((sum, { sentBytes }) => sum + sentBytes, 0)).toBe(files['onnx/model_quantized.onnx']?.length)
})

test('a model that cannot be kept is downloaded once, and answers', async () => {
  const files = await tinyHub()
  const hub = await serveHub(files)
  const edge = testClient({ backends: ['wasm'], huggingFace: { baseUrl: hub.baseUrl }, storage: { maxBytes: 10 } })
  const model = uniqueModel()
  expect((await edge.run(model, tinyInput())).placement.engine).toBe('device')
  expect((await edge.models.status(model)).state).toBe('absent')
  expect(await hub.requests(graph)).toHaveLength(1)
})
