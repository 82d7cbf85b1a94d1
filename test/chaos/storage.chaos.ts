/** Failures of what the browser stores. */
import { expect, failure, recovers } from './support/failure.js'
import { holdsBack } from './support/misbehaviour.js'
import { codesOf, placesOf } from './support/outcome.js'
import type { Visit } from './support/world.js'

const graph = /\/model_q8\.onnx/
const texts = { texts: 2 }

const cached = (visit: Visit) =>
  visit.evaluate<string[]>('world.edge.models.list().then((all) => all.map(({ id }) => id).sort())')

const reasons = async (visit: Visit) => (await visit.events('storage')).map(({ reason }) => reason).join('\n')

/** As when the user deletes the site's data, or the browser does. */
async function clearStorage(visit: Visit): Promise<void> {
  const session = await visit.session()
  await session.send('Storage.clearDataForOrigin', { origin: new URL(visit.page.url()).origin, storageTypes: 'all' })
}

/** Nothing of the model could be stored, and the page did not notice. */
async function expectFromMemory(visit: Visit): Promise<void> {
  const during = await visit.ask()
  expect([placesOf(during), codesOf(during)]).toEqual([['wasm'], []])
}

failure(
  {
    row: 21,
    name: 'The disk, or the site’s quota, is full',
    user: 'answers; the next visit downloads again',
    edgeward: 'runs from memory, tells it with the event `storage`, and stores nothing by halves',
    injected: 'Chromium: a quota of 1 MB, by the DevTools protocol (`Storage.overrideQuotaForOrigin`)',
  },
  async (world) => {
    const visit = await world.visit()
    await visit.ask({ tensors: 3 })
    const session = await visit.session()
    const { origin } = new URL(visit.page.url())
    await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1_000_000 })
    await expectFromMemory(visit)
    await expect.poll(() => reasons(visit)).toMatch(/quota|storage/i)
    expect(await cached(visit)).not.toContain('all-minilm-l6-v2')
    await session.send('Storage.overrideQuotaForOrigin', { origin })
    await visit.open()
    await recovers(visit, 'wasm', texts)
    await expect.poll(() => cached(visit)).toContain('all-minilm-l6-v2')
  },
)

failure(
  {
    row: 22,
    name: 'The browser refuses to store a value that is too large, as Firefox does above 255 MiB',
    user: 'answers; the next visit downloads again',
    edgeward:
      'stores chunks of 16 MiB at most; what is refused all the same runs from memory, and the event `storage` says so',
    injected: 'Chromium: `put` in the worker throws for every value above 32 MiB, then for every chunk',
  },
  async (world) => {
    const visit = await world.visit({ faulty: true })
    await visit.ask({ tensors: 3 })
    await expect.poll(() => cached(visit)).toEqual(['tiny-mlp'])
    await visit.strike({ 'put-refused': Infinity })
    await expectFromMemory(visit)
    await expect.poll(() => reasons(visit)).toContain('The value is too large')
    await visit.open({ faulty: true })
    await recovers(visit, 'wasm', texts)
    await expect.poll(() => cached(visit)).toEqual(['all-minilm-l6-v2', 'tiny-mlp'])
  },
)

failure(
  {
    row: 23,
    name: 'IndexedDB cannot be opened: private browsing, a corrupt profile',
    user: 'answers; the first one at most three seconds later; the next visit downloads again',
    edgeward: 'gives an `open` that never ends three seconds, runs from memory, and says so',
    injected: 'Chromium: `indexedDB.open` in the worker throws a SecurityError, then never answers',
  },
  async (world) => {
    const visit = await world.visit({ faulty: true })
    await visit.ask({ tensors: 3 })
    for (const fault of ['database-forbidden', 'database-hangs']) {
      world.site.faults = { [fault]: Infinity }
      await visit.open({ faulty: true })
      await expectFromMemory(visit)
      expect(await reasons(visit)).toContain('cannot be opened')
    }
    world.heal()
    await visit.open({ faulty: true })
    await recovers(visit, 'wasm', texts)
    await expect.poll(() => cached(visit)).toContain('all-minilm-l6-v2')
  },
)

failure(
  {
    row: 24,
    name: 'The connection to IndexedDB is lost, as iOS does to pages that were suspended',
    user: 'answers',
    edgeward: 'opens it once more; where that does not help, runs from memory',
    injected: 'Chromium: transactions in the worker throw an InvalidStateError once, then always',
  },
  async (world) => {
    const visit = await world.visit({ faulty: true })
    await visit.ask({ tensors: 3 })
    await visit.strike({ 'connection-lost': 1 })
    await expectFromMemory(visit)
    expect(await reasons(visit)).toBe('')
    await expect.poll(() => cached(visit)).toEqual(['all-minilm-l6-v2', 'tiny-mlp'])
    world.site.faults = { 'connection-lost': Infinity }
    await visit.open({ faulty: true })
    await expectFromMemory(visit)
    expect(await reasons(visit)).toContain('The database connection is closing')
    world.heal()
    await visit.open({ faulty: true })
    await recovers(visit, 'wasm', texts)
  },
)

failure(
  {
    row: 25,
    name: 'The site’s data is deleted in mid-use',
    user: 'answers',
    edgeward: 'goes on with what it has, from memory where need be; fetches what is missing at the next load',
    injected: 'Chromium: storage is cleared by the DevTools protocol while a model is being downloaded',
  },
  async (world) => {
    const visit = await world.visit()
    await visit.ask({ tensors: 3 })
    const gate = holdsBack()
    world.site.misbehave(graph, gate.how)
    const asking = visit.ask()
    await expect.poll(() => world.site.requests.some(({ path }) => graph.test(path))).toBe(true)
    await clearStorage(visit)
    gate.release()
    const during = await asking
    expect([placesOf(during), codesOf(during)]).toEqual([['wasm'], []])
    await visit.open()
    await recovers(visit, 'wasm', texts)
    await expect.poll(() => cached(visit)).toContain('all-minilm-l6-v2')
  },
)

failure(
  {
    row: 26,
    name: 'Another page deletes the database while this one has it open',
    user: 'answers in both',
    edgeward: 'closes its connection at once, so that nobody waits, and opens a new one when it needs it',
    injected: 'Chromium: `indexedDB.deleteDatabase` in a second page',
  },
  async (world) => {
    const visit = await world.visit()
    await visit.ask({ tensors: 3 })
    await expect.poll(() => cached(visit)).toEqual(['tiny-mlp'])
    const other = await world.visit()
    expect(await other.evaluate('world.deleteDatabase()')).toBe('free')
    await expectFromMemory(visit)
    await recovers(other, 'wasm', texts)
    await expect.poll(() => cached(other)).toContain('all-minilm-l6-v2')
  },
)

failure(
  {
    row: 27,
    name: 'The browser has purged the site’s storage, as Safari does after seven days',
    user: 'answers; this visit downloads again',
    edgeward: 'asks for persistent storage once it has something to lose; an empty cache is a first visit',
    injected: 'Chromium: storage is cleared by the DevTools protocol between two visits',
  },
  async (world) => {
    const visit = await world.visit()
    await visit.evaluate('void (navigator.storage.persist = async () => (globalThis.isAsked = true))')
    await visit.ask()
    await expect.poll(() => cached(visit)).toEqual(['all-minilm-l6-v2', 'tiny-mlp'])
    expect(await visit.evaluate('isAsked')).toBe(true)
    await visit.page.goto('about:blank')
    await visit.page.goto(world.site.url)
    await clearStorage(visit)
    world.heal()
    await visit.open()
    await expectFromMemory(visit)
    expect(world.site.requests.some(({ path }) => graph.test(path))).toBe(true)
    await recovers(visit, 'wasm', texts)
  },
)
