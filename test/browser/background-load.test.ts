/** Loads of low priority leave the link to what the page needs now: seen at a real server, from a real browser. */
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { ModelSource, Placement } from '../../packages/sdk/src/contract/index.js'
import { createDeviceEngine, WorkerHost } from '../../packages/sdk/src/runtime/index.js'
import { neverAborted } from '../../packages/sdk/src/shared/index.js'
import { ForegroundGate, LowPriority, type WeightsStore } from '../../packages/sdk/src/weights/index.js'
import { tinyInput } from './support/clients.js'
import { serveRandomFile, type ServedFile } from './support/file-server-client.js'
import { serveModel } from './support/models.js'
import { chunkBytes, createHarness, isSame, startLoad } from './support/weights-harness.js'
import { openTab } from './support/weights-tabs.js'

/** A gate that closes with the first bytes of any load. */
function createGate(pauseMs?: number) {
  const gate = new ForegroundGate(pauseMs)
  let isFirst = true
  const onBytes = () => {
    if (isFirst) gate.set(1)
    isFirst = false
  }
  return { gate, onBytes }
}

/** A load of low priority. */
function startHeld(
  store: WeightsStore,
  served: ServedFile,
  { gate, onBytes }: ReturnType<typeof createGate>,
  bytesOfChunk = chunkBytes,
) {
  const priority = new LowPriority(gate)
  const came = { bytes: 0 }
  const loading = store.load(served.file, {
    ...{ url: served.url, chunkBytes: bytesOfChunk, signal: neverAborted(), priority },
    onBytes: (bytes) => {
      onBytes()
      came.bytes += bytes
    },
  })
  const result = loading.then((loaded) => loaded.intoOneBuffer())
  result.catch(() => undefined) // The test looks at it, or has failed before.
  return { priority, came, result }
}

/** Something that somebody waits for, from the same server. */
async function loadInForeground(store: WeightsStore, takesMs: number): Promise<void> {
  const served = await serveRandomFile(chunkBytes, chunkBytes)
  await served.misbehave({ kind: 'drip', pieces: 20, everyMs: takesMs / 20 })
  expect(isSame(await startLoad(store, served).result, served.bytes)).toBe(true)
}

describe('while the page needs the network', () => {
  test('a body that has begun stops in the server, longer than a server may be silent, and goes on after', async () => {
    const bodyBytes = 32 * 1024 * 1024
    const stallMs = 2_000
    const store = await createHarness().open({ stallMs })
    const served = await serveRandomFile(bodyBytes, bodyBytes)
    const held = createGate()
    const { came, result } = startHeld(store, served, held, bodyBytes)
    await expect.poll(() => came.bytes, { timeout: 10_000 }).toBeGreaterThan(0)
    const before = came.bytes
    await loadInForeground(store, stallMs * 1.2)
    expect(came.bytes).toBe(before)
    expect(await served.requests()).toMatchObject([{ finished: false, abandoned: false }])
    held.gate.set(0)
    expect(isSame(await result, served.bytes)).toBe(true)
    expect(await served.requests()).toMatchObject([{ finished: true, abandoned: false }])
  })

  test('no further request is made: two are open at most, and other requests to the same server get through', async () => {
    const store = await createHarness().open()
    const held = createGate()
    const files = await Promise.all(Array.from({ length: 8 }, () => serveRandomFile(4 * chunkBytes, chunkBytes)))
    const requests = async () => (await Promise.all(files.map((file) => file.requests()))).flat()
    const loads = files.map((file) => startHeld(store, file, held))
    await expect.poll(() => held.gate.isClosed, { timeout: 10_000 }).toBe(true)
    await loadInForeground(store, 100)
    const before = await requests()
    expect(before.length).toBeLessThanOrEqual(2)
    await loadInForeground(store, 100)
    expect(await requests()).toHaveLength(before.length)
    held.gate.set(0)
    const loaded = await Promise.all(loads.map(({ result }) => result))
    expect(loaded.map((bytes, index) => isSame(bytes, files[index]!.bytes))).toEqual(files.map(() => true))
    const ranges = (await Promise.all(files.map((file) => file.requests()))).map((log) => log.map(({ range }) => range))
    expect(ranges.map((each) => new Set(each).size)).toEqual(files.map(() => 4))
    expect(ranges.flat()).toHaveLength(files.length * 4)
  })

  test('a load goes on all the same after a while: what the page waits for may never come', async () => {
    const store = await createHarness().open()
    const served = await serveRandomFile(4 * chunkBytes, chunkBytes)
    const { result, priority } = startHeld(store, served, createGate(100))
    expect(isSame(await result, served.bytes)).toBe(true)
    expect(priority.isLow).toBe(true)
  })
})

describe('a load of low priority that somebody waits for', () => {
  test.each(['another tab', 'this tab'])('in %s: the file goes on, the rest of the model does not', async (where) => {
    const harness = createHarness()
    const store = await harness.open()
    const served = await serveRandomFile(9 * chunkBytes, chunkBytes)
    const { result, priority, came } = startHeld(store, served, createGate(10 * 60_000))
    await expect.poll(() => came.bytes, { timeout: 10_000 }).toBeGreaterThan(0)
    if (where === 'this tab') expect(isSame(await startLoad(store, served).result, served.bytes)).toBe(true)
    else expect(await (await openTab(harness.databaseName)).load(served).sha256).toBe(served.file.sha256)
    expect(isSame(await result, served.bytes)).toBe(true)
    expect(priority.isLow).toBe(true)
    const ranges = (await served.requests()).map(({ range }) => range)
    expect(ranges).toHaveLength(new Set(ranges).size)
  })
})

describe('a model that the shipped worker makes ready in the background', () => {
  const place: Placement = { engine: 'device', backend: 'wasm', variant: 'fp32' }

  async function start() {
    const served = await serveModel('tiny-mlp', crypto.randomUUID())
    const manifestUrl = `${served.modelsUrl}${served.model}/manifest.json`
    // The test's server has the packing tool's own manifest.
    const source = { manifest: await (await fetch(manifestUrl)).json(), manifestUrl } as ModelSource
    const host = new WorkerHost({ spawn: () => new Worker('/shipped/worker.js', { type: 'module' }) })
    onTestFinished(() => host.dispose().then(() => undefined))
    const onDownload = vi.fn()
    const listener = { onDownload, onReady: vi.fn(), onNotStored: vi.fn(), onPublished: vi.fn() }
    const engine = createDeviceEngine(host, 1, listener)
    host.foreground(1)
    const background = engine.prepare(place, source, neverAborted(), 'low')
    // It is let in, and would fetch its files now.
    await expect.poll(() => onDownload.mock.calls.length).toBeGreaterThan(0)
    await Promise.all([host.cache('list'), fetch(manifestUrl)])
    expect(await served.graph.requests()).toEqual([])
    expect(engine.readiness(source, place)).toBe('loading')
    return { served, source, host, engine, background }
  }

  test('waits until the page needs the network no more', async () => {
    const { served, source, host, engine, background } = await start()
    host.foreground(0)
    await background
    expect(engine.readiness(source, place)).toBe('ready')
    expect((await served.graph.requests()).length).toBeGreaterThan(0)
  })

  test('is made ready at once for a request that waits for it, which it then answers', async () => {
    const { served, source, engine, background } = await start()
    const request = { model: served.model, task: 'tensors', input: tinyInput(), options: {}, ...source } as const
    const { output } = await engine.run(place, request, neverAborted())
    expect(output['y']).toMatchObject({ shape: [2, 3] })
    await background
  })
})
