/** What the client makes of what is cached: newest manifests, variants that are there, updates, the policy offline. */
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { LocateModel } from '../../../packages/sdk/src/api/model-directory.js'
import { StorageReasons } from '../../../packages/sdk/src/api/storage-reasons.js'
import type { Manifest, ModelSource } from '../../../packages/sdk/src/contract/index.js'
import { EdgewardError } from '../../../packages/sdk/src/errors/index.js'
import { anywhere, manifestWith } from '../router/inputs.js'
import { createFakeClient, engineOf, untouchable, wasm, x, y } from './fake-client.js'

const both = manifestWith({ dtype: 'fp32', backends: ['wasm'] }, { dtype: 'int8', backends: ['wasm'] })
const newer: Manifest = { ...both, revision: '2' }
const int8 = { ...wasm, variant: 'int8' }
const sourceOf = (manifest: Manifest, more: Partial<ModelSource> = {}): ModelSource => ({
  manifest,
  manifestUrl: 'https://models.example/model/manifest.json',
  ...more,
})
const cachedFp32 = sourceOf(both, { cachedVariants: ['fp32'] })
const cachedInt8 = sourceOf(both, { cachedVariants: ['int8'] })
const unreachable = new EdgewardError('DOWNLOAD_FAILED', 'the source cannot be reached')

/** Finds `cached` in the cache, and at the source what is given. */
const locateFrom = (cached: ModelSource, newest: ModelSource | EdgewardError = unreachable) =>
  vi.fn<LocateModel>(({ from }) => {
    const found = from === 'source' ? newest : cached
    return found instanceof EdgewardError ? Promise.reject(found) : Promise.resolve(found)
  })

describe('a model whose wanted variant is not cached', () => {
  it('is looked up at its source first, once', async () => {
    const locate = locateFrom(cachedInt8, sourceOf(newer))
    const run = vi.fn((..._sent: unknown[]) => Promise.resolve({ output: y, timings: {} } as never))
    const { client } = createFakeClient({ locate, engines: { device: engineOf('device', { run }) } })
    for (let times = 0; times < 2; times += 1) await client.run('model', x)
    expect(run.mock.calls.map(([placement, request]) => [placement, (request as ModelSource).manifest])).toEqual([
      [wasm, newer],
      [wasm, newer],
    ])
    expect(locate.mock.calls.map(([{ from }]) => from)).toEqual(['cache-first', 'source'])
  })

  it('answers with a cached variant when its source cannot be reached, and does not ask again', async () => {
    const locate = locateFrom(cachedInt8)
    const { client } = createFakeClient({ locate, engines: { device: engineOf('device') } })
    for (let times = 0; times < 2; times += 1) expect((await client.run('model', x)).placement).toEqual(int8)
    expect(locate.mock.calls.map(([{ from }]) => from)).toEqual(['cache-first', 'source'])
    const { ruledOut } = await client.explain('model')
    expect(ruledOut).toContainEqual(
      expect.objectContaining({ code: 'NOT_CACHED', reason: expect.stringContaining(unreachable.message) as string }),
    )
  })

  it('is not looked up again when the variant is there', async () => {
    const locate = locateFrom(cachedFp32, sourceOf(newer))
    const { client } = createFakeClient({ locate })
    expect((await client.run('model', x)).placement).toEqual(wasm)
    expect(locate).toHaveBeenCalledOnce()
  })
})

describe('the policy offline', () => {
  const policy = { offline: true } as const
  const offline = sourceOf(both, { cachedVariants: ['int8'], offline: true })

  it('never touches the endpoint, and uses the variants that are cached', async () => {
    const locate = locateFrom(offline)
    const { client } = createFakeClient({
      locate,
      engines: { device: engineOf('device'), remote: untouchable('remote') },
    })
    expect((await client.run('model', x, { policy })).placement).toEqual(int8)
    expect(await client.prepare('model', { policy: { ...policy, prefer: 'remote' } })).toEqual(int8)
    expect(locate.mock.calls.map(([{ from }]) => from)).toEqual(['cache', 'cache'])
  })

  it('fails with what is missing when no cached variant can answer', async () => {
    const missing = vi.fn(() => Promise.resolve({ fp32: { files: ['model.onnx'], bytes: 10 } }))
    const locate = locateFrom({ ...offline, cachedVariants: [] })
    const { client } = createFakeClient({ locate, missing, engines: { remote: untouchable('remote') } })
    const failing = client.run('model', x, { policy })
    await expect(failing).rejects.toMatchObject({
      code: 'NOT_CACHED',
      details: { model: 'model', missingFiles: ['model.onnx'], missingBytes: 10 },
    })
    await expect(failing).rejects.toThrow('models.download("model")')
  })

  it('holds for a check for updates', async () => {
    const locate = locateFrom(cachedFp32)
    const { client } = createFakeClient({ locate, options: { policy } })
    await expect(client.models.checkForUpdate('model')).rejects.toMatchObject({ code: 'NOT_CACHED' })
    expect(locate).not.toHaveBeenCalled()
  })
})

describe('updates in the background', () => {
  const update = () => vi.fn(() => Promise.resolve({ update: { from: '1', to: '2' }, storage: [] }))

  it('are looked for once for each model, and told when they are complete', async () => {
    const looking = update()
    const { client } = createFakeClient({ locate: locateFrom(cachedFp32), update: looking })
    const told = vi.fn()
    client.on('update', told)
    for (const model of ['model', 'model', 'other']) await client.run(model, x)
    expect(looking.mock.calls.map(([model]: unknown[]) => model)).toEqual(['model', 'other'])
    await expect
      .poll(() => told.mock.calls)
      .toEqual([[{ model: 'model', from: '1', to: '2' }], [{ model: 'other', from: '1', to: '2' }]])
  })

  it.each([
    ['the client says manual', { options: { updates: 'manual' } as const }],
    ['the policy says offline', { options: { policy: { ...anywhere, offline: true } } }],
    ['the policy saves data', { options: { policy: { saveData: 'on' } as const } }],
    ['power is low', { options: { policy: { power: 'low', prefer: 'cheapest' } as const } }],
    ['the endpoint answered', { options: { policy: { prefer: 'remote' } as const } }],
    ['the model has just come from its source', { locate: locateFrom(sourceOf(both)) }],
  ])('are not looked for when %s', async (_, parts) => {
    const looking = update()
    const { client } = createFakeClient({ locate: locateFrom(cachedFp32), update: looking, ...parts })
    await client.run('model', x)
    expect(looking).not.toHaveBeenCalled()
  })

  it('are not looked for when the user saves data, unless the policy says otherwise, nor with more bytes than it allows', async () => {
    const connection = Object.assign(new EventTarget(), { saveData: true })
    vi.stubGlobal('navigator', { connection })
    onTestFinished(() => void vi.unstubAllGlobals())
    const looking = update()
    const { client } = createFakeClient({ locate: locateFrom(cachedFp32), update: looking })
    await client.run('model', x)
    expect(looking).not.toHaveBeenCalled()
    await client.run('model', x, { policy: { saveData: 'off', maxDownloadBytes: 7 } })
    expect(looking).toHaveBeenCalledWith('model', 7, expect.any(AbortSignal))
  })

  it('that fail are nobody else’s failure, and what could not be kept is told', async () => {
    const looking = vi.fn(() => Promise.reject(unreachable))
    const { client } = createFakeClient({ locate: locateFrom(cachedFp32), update: looking })
    expect((await client.run('model', x)).placement).toEqual(wasm)
    expect((await client.run('model', x)).placement).toEqual(wasm)
    const full = { storage: [{ model: 'model', reason: 'no space' }] }
    const told = vi.fn()
    const other = createFakeClient({ locate: locateFrom(cachedFp32), update: () => Promise.resolve(full) }).client
    other.on('storage', told)
    await other.run('model', x)
    await expect.poll(() => told.mock.calls).toEqual([[full.storage[0]]])
  })
})

describe('a revision that was replaced before it was loaded', () => {
  const gone = () => Promise.reject(new EdgewardError('INTEGRITY', 'other bytes'))
  const replaced = () => {
    let revision = 0
    return vi.fn<LocateModel>(() =>
      Promise.resolve(sourceOf({ ...both, revision: String((revision += 1)) }, { cachedVariants: ['fp32'] })),
    )
  }

  it('costs nothing where nobody else can answer', async () => {
    const run = vi.fn((..._sent: unknown[]) => Promise.resolve({ output: y, timings: {} } as never))
    run.mockImplementationOnce(gone)
    const answering = engineOf('device', { run })
    const { client } = createFakeClient({ locate: replaced(), engines: { device: answering } })
    expect((await client.run('model', x)).output).toEqual(y)
  })

  it('is not asked for again after the endpoint has answered', async () => {
    const locate = replaced()
    const run = vi.fn((..._sent: unknown[]) => gone())
    const { client } = createFakeClient({
      locate,
      engines: { device: engineOf('device', { run }), remote: engineOf('remote') },
    })
    for (let times = 0; times < 2; times += 1) await client.run('model', x)
    const revisions = run.mock.calls.map(([, request]) => (request as ModelSource).manifest.revision)
    expect(revisions).toEqual(['1', '2'])
  })
})

it('explain says what is cached, and why the last load could not be kept', async () => {
  const storageReasons = new StorageReasons()
  const missing = () => Promise.resolve({ fp32: { files: [], bytes: 0 }, int8: { files: ['model.onnx'], bytes: 7 } })
  const { client } = createFakeClient({ locate: locateFrom(cachedFp32), missing, storageReasons })
  const { placements, storage } = await client.explain('model@1')
  expect(placements.map(({ missingBytes }) => missingBytes)).toEqual([0, 7, undefined])
  expect(storage).toBeUndefined()
  storageReasons.add('old', 'it was used least recently', 'model')
  expect((await client.explain('model')).storage).toBe('old had to make room for it')
  storageReasons.add('model', 'no space', 'model')
  expect((await client.explain('model')).storage).toBe('no space')
  storageReasons.kept('model')
  expect((await client.explain('model')).storage).toBe('old had to make room for it')
})
