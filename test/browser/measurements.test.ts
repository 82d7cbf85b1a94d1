/** What was measured is kept for this version of the browser, shared by all tabs, and harms nobody when it cannot be kept. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { connect, type Connection } from '../../packages/sdk/src/transport/index.js'
import { neverAborted } from '../../packages/sdk/src/shared/index.js'
import type { MeasurementRecord, Sample } from '../../packages/sdk/src/contract/index.js'
import { createHarness, openDatabase, settled } from './support/weights-harness.js'

const [browser, newerBrowser] = ['Browser/1', 'Browser/2']
const benchmark = { adapter: 'a vendor', value: { wasmFlops: 4e9, webgpuFlops: 5e11, at: 7 } }
const sample = (at: number): Sample => ({ units: 8, ms: 2, at })
const record = (key: string, ...ats: number[]): MeasurementRecord => ({
  ...{ key, runs: ats.map(sample), loads: [], usedAt: Math.max(0, ...ats) },
})
const nothing = { records: [] }

/** From now on, a `put` of a measurement fails for want of storage, until the test ends. */
function refuseStorage(): void {
  const put = IDBObjectStore.prototype.put
  onTestFinished(() => void (IDBObjectStore.prototype.put = put))
  IDBObjectStore.prototype.put = function (...parameters: Parameters<typeof put>) {
    if (this.name === 'measurements') throw new DOMException('as the test wants it', 'QuotaExceededError')
    return put.apply(this, parameters)
  }
}

describe('what was measured', () => {
  test('is there after a restart, with the benchmark', async () => {
    const harness = createHarness()
    const full: MeasurementRecord = {
      ...record('a', 1, 2),
      loads: [{ units: 100, ms: 30, at: 1 }],
      verdict: { code: 'CANARY_FAILED', reason: 'wrong numbers', at: 2 },
      agreement: { compared: 2, agreed: 1 },
    }
    const first = await harness.open()
    expect(await first.measurements.recall(browser)).toEqual(nothing)
    await first.measurements.remember(browser, { records: [full, record('b', 3)], benchmark })
    await first.close()
    const { measurements } = await harness.open()
    expect(await measurements.recall(browser)).toEqual({ records: [full, record('b', 3)], benchmark })
  })

  test('in two tabs becomes one record with the samples of both', async () => {
    const harness = createHarness()
    const [one, other] = [await harness.open(), await harness.open()]
    await one.measurements.remember(browser, { records: [record('a', 1)], benchmark })
    await Promise.all([
      one.measurements.remember(browser, { records: [record('a', 1, 2, 5)] }),
      other.measurements.remember(browser, { records: [record('a', 1, 3), record('b', 4)] }),
    ])
    expect(await one.measurements.recall(browser)).toEqual({
      records: [record('a', 1, 2, 3, 5), record('b', 4)],
      benchmark,
    })
  })

  test('of another version of the browser is not told, and goes as soon as this one has measured something', async () => {
    const { measurements } = await createHarness().open()
    await measurements.remember(browser, { records: [record('a', 1), record('endpoint', 1)], benchmark })
    expect(await measurements.recall(newerBrowser)).toEqual(nothing)
    await measurements.remember(newerBrowser, { records: [record('endpoint', 2)] })
    expect(await measurements.recall(newerBrowser)).toEqual({ records: [record('endpoint', 2)] })
    expect(await measurements.recall(browser)).toEqual(nothing)
  })

  test('beyond 200 records goes, least recently used first', async () => {
    const { measurements } = await createHarness().open()
    const records = Array.from({ length: 150 }, (_, at) => record(`key ${at}`, at + 1))
    await measurements.remember(browser, { records })
    await measurements.remember(browser, { records: records.map(({ key }, at) => record(`new ${key}`, at + 1000)) })
    const kept = (await measurements.recall(browser)).records.map(({ key }) => key)
    expect(kept).toHaveLength(200)
    expect(kept.filter((key) => key.startsWith('new'))).toHaveLength(150)
    expect(kept).not.toContain('key 99')
    expect(kept).toContain('key 100')
  })
})

describe('nothing is kept, and nobody is harmed', () => {
  test('when the browser gives no more storage: what was there before stays as it was', async () => {
    const { measurements } = await createHarness().open()
    await measurements.remember(browser, { records: [record('a', 1)] })
    refuseStorage()
    await measurements.remember(browser, { records: [record('a', 2), record('b', 2)] })
    expect(await measurements.recall(browser)).toEqual({ records: [record('a', 1)] })
  })

  test('when the database is of a newer version', async () => {
    const harness = createHarness()
    ;(await openDatabase(harness.databaseName, 99)).close()
    const { measurements } = await harness.open()
    await measurements.remember(browser, { records: [record('a', 1)], benchmark })
    expect(await measurements.recall(browser)).toEqual(nothing)
  })

  test('when opening the database is blocked, for no longer than its deadline', async () => {
    const harness = createHarness()
    const stubborn = await openDatabase(harness.databaseName)
    const deletion = settled(indexedDB.deleteDatabase(harness.databaseName))
    const { measurements } = await harness.open({ openDeadlineMs: 50 })
    await measurements.remember(browser, { records: [record('a', 1)] })
    expect(await measurements.recall(browser)).toEqual(nothing)
    stubborn.close()
    await deletion
  })

  test('when the database hangs, for no longer than its deadline', async () => {
    const harness = createHarness()
    const { measurements } = await harness.open({ operationDeadlineMs: 50 })
    await measurements.remember(browser, { records: [record('a', 1)] })
    const release = await block(harness.databaseName)
    await measurements.remember(browser, { records: [record('a', 2)] })
    expect(await measurements.recall(browser)).toEqual(nothing)
    release()
  })
})

test('the worker keeps it for the next worker', async () => {
  const browserOfTest = `Browser/${crypto.randomUUID()}`
  const first = await startWorker()
  await first.call('remember', { browser: browserOfTest, records: [record('a', 1)], benchmark }, options)
  await first.call('shutdown', undefined, options)
  const second = await startWorker()
  expect(await second.call('recall', { browser: browserOfTest }, options)).toEqual({
    records: [record('a', 1)],
    benchmark,
  })
  await second.call('remember', { browser, ...nothing }, options)
  expect(await second.call('shutdown', undefined, options)).toMatchObject({ databases: 0 })
})

const options = { signal: neverAborted() }

/** The SDK's worker, from its source. */
async function startWorker(): Promise<Connection> {
  const worker = new Worker(new URL('../../packages/sdk/src/worker/main.ts', import.meta.url), { type: 'module' })
  onTestFinished(() => worker.terminate())
  return connect(worker, neverAborted())
}

/** Holds a transaction on the measurements open until the returned function is called. */
async function block(databaseName: string): Promise<() => void> {
  const database = await openDatabase(databaseName)
  const measurements = database.transaction('measurements', 'readwrite').objectStore('measurements')
  let isHeld = true
  await new Promise<void>((resolve) => {
    const spin = () => {
      resolve()
      if (isHeld) measurements.count().onsuccess = spin
      else database.close()
    }
    measurements.count().onsuccess = spin
  })
  return () => (isHeld = false)
}
