/** One download for all tabs: every chunk comes over the network once, and no tab's end takes it from the others. */
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { serveRandomFile, type ServedFile } from './support/file-server-client.js'
import { chunkBytes, createHarness, isSame, startLoad, visit } from './support/weights-harness.js'
import { openTab, type Tab, type TabFaults, type TabLoad } from './support/weights-tabs.js'

const chunkCount = 9
const fileBytes = chunkCount * chunkBytes

async function openTabs(databaseName: string, ...faults: readonly TabFaults[]): Promise<Tab[]> {
  return Promise.all(faults.map((each) => openTab(databaseName, each)))
}

/** An owner that stops after two chunks, and tabs that have these two and wait for the others. */
async function startWithStuckOwner(databaseName: string, served: ServedFile, ...others: readonly TabFaults[]) {
  const [owner, ...waiting] = await openTabs(databaseName, { holdsRequestsAfter: 2 }, ...others)
  const owned = owner!.load(served)
  await expect.poll(() => owned.came.network).toBe(2 * chunkBytes)
  const loads = waiting.map((tab) => tab.load(served))
  for (const { came } of loads) await expect.poll(() => came).toEqual({ cache: 2 * chunkBytes, network: 0 })
  return { owner: owner!, owned, waiting, loads }
}

async function expectRight(served: ServedFile, loads: readonly TabLoad[]): Promise<void> {
  const digests = await Promise.all(loads.map(({ sha256 }) => sha256))
  expect(digests).toEqual(loads.map(() => served.file.sha256))
  for (const { came } of loads) expect(came.cache + came.network).toBe(fileBytes)
}

/** Every chunk was asked for, and none twice. */
async function expectEachChunkOnce(served: ServedFile): Promise<void> {
  const ranges = (await served.requests()).map(({ range }) => range)
  expect(new Set(ranges).size).toBe(chunkCount)
  expect(ranges).toHaveLength(chunkCount)
}

async function downloadLocks(databaseName: string): Promise<string[]> {
  const { held = [], pending = [] } = await navigator.locks.query()
  return [...held, ...pending].flatMap(({ name = '' }) => (name.startsWith(databaseName) ? [name] : []))
}

describe('tabs that load the same file', () => {
  test.each([2, 5])('at the same time: %i tabs fetch every chunk once in all', async (count) => {
    const { databaseName } = createHarness()
    const served = await serveRandomFile(fileBytes, chunkBytes)
    const tabs = await openTabs(databaseName, ...Array.from({ length: count }, () => ({})))
    const loads = tabs.map((tab) => tab.load(served))
    await expectRight(served, loads)
    expect(loads.reduce((sum, { came }) => sum + came.network, 0)).toBe(fileBytes)
    await expectEachChunkOnce(served)
  })

  test('one after the other see how far the download is, and get the rest as it comes', async () => {
    const { databaseName } = createHarness()
    const served = await serveRandomFile(fileBytes, chunkBytes)
    const { owner, owned, loads } = await startWithStuckOwner(databaseName, served, {}, {})
    owner.goOn()
    await expectRight(served, [owned, ...loads])
    expect(owned.came.network).toBe(fileBytes)
    await expectEachChunkOnce(served)
  })

  test('in one worker, too, fetch every chunk once', async () => {
    const { databaseName } = createHarness()
    const served = await serveRandomFile(fileBytes, chunkBytes)
    const tab = await openTab(databaseName)
    const loads = [tab.load(served), tab.load(served)]
    await expectRight(served, loads)
    await expectEachChunkOnce(served)
  })

  test('from the cache do not wait for each other', async () => {
    const harness = createHarness()
    const served = await serveRandomFile(fileBytes, chunkBytes)
    await visit(harness, served)
    await served.misbehave()
    const release = await holdLock(`${harness.databaseName}-download-${served.file.sha256}`)
    const load = (await openTab(harness.databaseName)).load(served)
    await expectRight(served, [load])
    release()
    expect(await served.requests()).toHaveLength(0)
  })
})

describe('when the tab that downloads ends', () => {
  test('by a crash, another goes on with what is missing', async () => {
    const { databaseName } = createHarness()
    const served = await serveRandomFile(fileBytes, chunkBytes)
    const { owner, loads } = await startWithStuckOwner(databaseName, served, {}, {})
    owner.kill()
    await expectRight(served, loads)
    expect(loads.reduce((sum, { came }) => sum + came.network, 0)).toBe(fileBytes - 2 * chunkBytes)
    await expectEachChunkOnce(served)
  })

  test('and the next one, too, the third goes on', async () => {
    const { databaseName } = createHarness()
    const served = await serveRandomFile(fileBytes, chunkBytes)
    const stuck = { holdsRequestsAfter: 3 }
    const { owner, waiting, loads } = await startWithStuckOwner(databaseName, served, stuck, stuck)
    owner.kill()
    const next = await vi.waitUntil(() => loads.findIndex(({ came }) => came.network === 3 * chunkBytes) + 1)
    const last = loads[next % 2]!
    await expect.poll(() => last.came.cache).toBe(5 * chunkBytes)
    waiting[next - 1]!.kill()
    await expect.poll(() => last.came.network).toBe(3 * chunkBytes)
    waiting[next % 2]!.goOn()
    await expectRight(served, [last])
    await expectEachChunkOnce(served)
  })

  test('by an abort, it stops and another goes on', async () => {
    const { databaseName } = createHarness()
    const served = await serveRandomFile(fileBytes, chunkBytes)
    const { owned, loads } = await startWithStuckOwner(databaseName, served, {})
    owned.abort('not needed any more')
    await expect(owned.sha256).rejects.toMatchObject({ name: 'AbortError', message: 'not needed any more' })
    await expectRight(served, loads)
    await expectEachChunkOnce(served)
  })

  test('by closing its store, another goes on', async () => {
    const { databaseName } = createHarness()
    const served = await serveRandomFile(fileBytes, chunkBytes)
    const { owner, owned, loads } = await startWithStuckOwner(databaseName, served, {})
    await owner.close()
    await expect(owned.sha256).rejects.toMatchObject({ code: 'DISPOSED' })
    await expectRight(served, loads)
    await expectEachChunkOnce(served)
  })

  test('by an answer that is no good, another tries', async () => {
    const { databaseName } = createHarness()
    const served = await serveRandomFile(fileBytes, chunkBytes)
    await served.misbehave({ kind: 'status', status: 404, skip: 2, times: 1 })
    const { owner, owned, loads } = await startWithStuckOwner(databaseName, served, {})
    owner.goOn()
    await expect(owned.sha256).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' })
    await expectRight(served, loads)
  })
})

describe('a tab that waits', () => {
  test('and aborts stops waiting at once; the download goes on', async () => {
    const { databaseName } = createHarness()
    const served = await serveRandomFile(fileBytes, chunkBytes)
    const { owner, owned, loads } = await startWithStuckOwner(databaseName, served, {})
    loads[0]!.abort('not needed any more')
    await expect(loads[0]!.sha256).rejects.toMatchObject({ name: 'AbortError', message: 'not needed any more' })
    await expect.poll(() => downloadLocks(databaseName)).toHaveLength(1)
    owner.goOn()
    await expectRight(served, [owned])
    await expectEachChunkOnce(served)
  })

  test('downloads for itself when the owner cannot store', async () => {
    const { databaseName } = createHarness()
    const served = await serveRandomFile(fileBytes, chunkBytes)
    const [owner, other] = await openTabs(databaseName, { holdsRequestsAfter: 0, cannotStore: true }, {})
    const owned = owner!.load(served)
    await expect.poll(() => downloadLocks(databaseName)).toHaveLength(1)
    const load = other!.load(served)
    await expect.poll(() => downloadLocks(databaseName)).toHaveLength(2)
    owner!.goOn()
    await expectRight(served, [owned, load])
    expect(owned.notStored).toEqual([expect.stringContaining('QuotaExceededError')])
    expect(load.came.network).toBe(fileBytes)
    expect(load.notStored).toEqual([])
  })

  test('is not one that has no database: it downloads for itself', async () => {
    const { databaseName } = createHarness()
    const served = await serveRandomFile(fileBytes, chunkBytes)
    await startWithStuckOwner(databaseName, served)
    const load = (await openTab(databaseName, { lacks: ['indexedDB'] })).load(served)
    await expectRight(served, [load])
    expect(load.came.network).toBe(fileBytes)
  })
})

describe.each(['locks', 'BroadcastChannel'] as const)('without %s', (lacking) => {
  test('each tab downloads for itself', async () => {
    const { databaseName } = createHarness()
    const served = await serveRandomFile(fileBytes, chunkBytes)
    await startWithStuckOwner(databaseName, served)
    const load = (await openTab(databaseName, { lacks: [lacking] })).load(served)
    await expectRight(served, [load])
    expect(load.came).toEqual({ cache: 2 * chunkBytes, network: fileBytes - 2 * chunkBytes })
  })

  test('the loads of one worker still fetch every chunk once', async () => {
    const { databaseName } = createHarness()
    const served = await serveRandomFile(fileBytes, chunkBytes)
    const tab = await openTab(databaseName, { lacks: [lacking] })
    await expectRight(served, [tab.load(served), tab.load(served)])
    await expectEachChunkOnce(served)
  })
})

describe('a load that is alone', () => {
  test('asks for one lock, and opens a channel only to tell what it stored', async () => {
    const harness = createHarness()
    const served = await serveRandomFile(fileBytes, chunkBytes)
    const request = vi.spyOn(navigator.locks, 'request')
    onTestFinished(() => request.mockRestore())
    const channels = countChannels()
    await visit(harness, served)
    expect(request).toHaveBeenCalledTimes(1)
    await visit(harness, served)
    expect(request).toHaveBeenCalledTimes(2)
    expect(channels).toEqual({ opened: 1, closed: 1 })
  })
})

describe('a closed store', () => {
  test('holds no lock, waits for none, and has no channel open', async () => {
    const harness = createHarness()
    const served = await serveRandomFile(fileBytes, chunkBytes)
    await served.misbehave({ kind: 'silence', skip: 2 })
    const channels = countChannels()
    const stores = [await harness.open(), await harness.open()]
    const loads = stores.map((store) => startLoad(store, served))
    for (const { came } of loads) await expect.poll(() => came.cache + came.network).toBe(2 * chunkBytes)
    expect(await downloadLocks(harness.databaseName)).toHaveLength(2)
    const ends = Promise.allSettled(loads.map(({ result }) => result))
    await Promise.all(stores.map((store) => store.close()))
    expect(await ends).toMatchObject(loads.map(() => ({ reason: { code: 'DISPOSED' } })))
    await expect.poll(() => downloadLocks(harness.databaseName)).toEqual([])
    expect(channels).toEqual({ opened: 2, closed: 2 })
  })

  test('holds no lock after a load that went well', async () => {
    const harness = createHarness()
    const served = await serveRandomFile(fileBytes, chunkBytes)
    const store = await harness.open()
    expect(isSame(await startLoad(store, served).result, served.bytes)).toBe(true)
    await expect.poll(() => downloadLocks(harness.databaseName)).toEqual([])
    await store.close()
  })
})

/** Holds a lock until the returned function is called. */
function holdLock(name: string): Promise<() => void> {
  return new Promise((held, reject) => {
    navigator.locks.request(name, () => new Promise<void>((release) => held(release))).catch(reject)
  })
}

/** Counts the channels that this page opens and closes until the test ends. */
function countChannels(): { opened: number; closed: number } {
  const counts = { opened: 0, closed: 0 }
  const original = globalThis.BroadcastChannel
  globalThis.BroadcastChannel = class extends original {
    constructor(name: string) {
      super(name)
      counts.opened += 1
    }

    override close() {
      super.close()
      counts.closed += 1
    }
  }
  onTestFinished(() => void (globalThis.BroadcastChannel = original))
  return counts
}
