/** Failures of the worker, and of what runs in it. */
import { expect, failure, recovers } from './support/failure.js'
import { answersStatus, hangs } from './support/misbehaviour.js'
import { codesOf, placesOf } from './support/outcome.js'

const minute = 60_000
/** A run or a step of a load that shows no sign of life for so long is given up. */
const impatient = { hangMs: 4_000 }

failure(
  {
    row: 12,
    name: 'Many requests at once for the same model',
    user: 'answers, one after the other',
    edgeward: 'queues them: one run at a time in each session',
    injected: 'Chromium: 24 requests for two models in the same moment, while the first ones load',
  },
  async (world) => {
    const visit = await world.visit()
    const [first, second] = await Promise.all([
      visit.ask({ texts: 6, tensors: 6 }),
      visit.ask({ texts: 6, tensors: 6 }),
    ])
    const after = await visit.ask()
    const all = [...first, ...second, ...after]
    expect(codesOf(all)).toEqual([])
    expect(placesOf(all)).toEqual(['wasm'])
    expect(await visit.events('fallback')).toEqual([])
  },
)

failure(
  {
    row: 6,
    name: 'The runtime runs out of memory, or throws a bare number',
    user: 'answers from the endpoint, then from the device again',
    edgeward: 'makes a code of whatever was thrown; the worker, whose memory may hold anything, is replaced',
    injected: 'Chromium: a run throws `std::bad_alloc`, then 1991937888, as Emscripten does',
  },
  async (world) => {
    const visit = await world.visit({ faulty: true })
    await visit.ask()
    await visit.strike({ 'run-throws-bad-alloc': 1 })
    const memory = await visit.ask({ texts: 1 })
    expect([placesOf(memory), codesOf(memory)]).toEqual([['endpoint'], ['OUT_OF_MEMORY']])
    await visit.later(minute)
    await recovers(visit, 'wasm', { texts: 1, tensors: 1 })
    await visit.strike({ 'run-throws-number': 1 })
    const number = await visit.ask({ texts: 1, tensors: 1 })
    expect(placesOf(number)).toContain('endpoint')
    await visit.later(minute)
    await recovers(visit, 'wasm', { texts: 1, tensors: 1 })
    expect((await visit.workers()).started).toBeGreaterThan(1)
  },
)

failure(
  {
    row: 7,
    name: 'The browser refuses a large piece of memory (`RangeError`)',
    user: 'answers, from the endpoint where not even one tensor finds room',
    edgeward: 'never asks for a whole model in one piece, only for its largest tensor',
    injected: 'Chromium: `ArrayBuffer` and `Uint8Array` in the worker throw above 16 MiB, then above 6 MiB',
  },
  async (world) => {
    const visit = await world.visit({ faulty: true })
    await visit.ask({ tensors: 3 })
    world.site.faults = { 'no-buffers-above-16-mib': Infinity }
    await visit.open({ faulty: true })
    const unharmed = await visit.ask()
    expect([placesOf(unharmed), codesOf(unharmed)]).toEqual([['wasm'], []])
    world.site.faults = { 'no-buffers-above-6-mib': Infinity }
    await visit.open({ faulty: true })
    const during = await visit.ask({ texts: 1 })
    expect(placesOf(during)).toEqual(['endpoint'])
    world.heal()
    await visit.open({ faulty: true })
    await visit.later(minute)
    await recovers(visit, 'wasm', { texts: 1, tensors: 1 })
  },
)

failure(
  {
    row: 9,
    name: 'Memory grows, and long-lived runtimes crash',
    user: 'nothing',
    edgeward: 'replaces the worker after so many runs, or when its heap has grown, at an idle moment and without a gap',
    injected: 'Chromium: `recycle: { runs: 6 }`',
  },
  async (world) => {
    const visit = await world.visit({ recycle: { runs: 6 } })
    await visit.ask()
    for (let round = 0; round < 4; round += 1) {
      const during = await visit.ask()
      expect([placesOf(during), codesOf(during)]).toEqual([['wasm'], []])
    }
    await expect.poll(() => visit.health()).toContain('worker replaced')
    const after = await visit.ask()
    expect([placesOf(after), codesOf(after)]).toEqual([['wasm'], []])
    await expect.poll(async () => (await visit.workers()).live).toBe(1)
  },
)

failure(
  {
    row: 10,
    name: 'The runtime’s start fails once, or never ends',
    user: 'answers from the endpoint, then from the device',
    edgeward: 'starts it afresh for the next request, with its own limit of time, since ONNX Runtime never tries again',
    injected: 'Chromium: status 404 for the wasm file, then a server that takes the request and says nothing',
  },
  async (world) => {
    const visit = await world.visit()
    await visit.ask()
    world.site.misbehave(/\/ort\/[^?]*\.wasm(\?|$)/, answersStatus(404), 4)
    await visit.open()
    const missing = await visit.ask()
    expect(codesOf(missing)).toEqual(['RUNTIME_FAILED'])
    await visit.later(minute)
    await recovers(visit, 'wasm')
    world.site.misbehave(/\/ort\/[^?]*\.wasm(\?|$)/, hangs)
    await visit.open(impatient)
    const silent = await visit.ask()
    expect(placesOf(silent)).toEqual(['endpoint'])
    world.heal()
    await visit.later(minute)
    await recovers(visit, 'wasm')
  },
)

failure(
  {
    row: 11,
    name: 'A session is never made, or a run never ends',
    user: 'answers, after the limit of time',
    edgeward: 'ends the worker that shows no sign of life, and has a fresh one or the endpoint answer',
    injected: 'Chromium: `InferenceSession.create`, then `session.run`, return a promise that nobody resolves',
  },
  async (world) => {
    const visit = await world.visit({ faulty: true })
    await visit.ask()
    for (const fault of ['create-hangs', 'run-hangs']) {
      world.site.faults = { [fault]: 1 }
      await visit.open({ ...impatient, faulty: true })
      const during = await visit.ask({ texts: 1, tensors: 2 })
      expect(codesOf(during)).toEqual(['WORKER_DIED'])
      await visit.later(minute)
      await recovers(visit, 'wasm', { texts: 1, tensors: 1 })
      expect(await visit.health()).toEqual(expect.arrayContaining(['worker lost', 'worker recovered']))
    }
  },
)

failure(
  {
    row: 14,
    name: 'Shared memory cannot be sent to threads, as in some versions of Safari',
    user: 'answers, more slowly',
    edgeward: 'starts the runtime again with one thread',
    injected: 'Chromium: `postMessage` of shared memory in the worker throws a DataCloneError',
  },
  async (world) => {
    const visit = await world.visit({ faulty: true, threads: 2 })
    await visit.ask({ tensors: 3 })
    world.site.faults = { 'no-shared-memory': Infinity }
    await visit.open({ faulty: true, threads: 2 })
    const during = await visit.ask()
    expect([placesOf(during), codesOf(during)]).toEqual([['wasm'], []])
    world.heal()
    await visit.open({ faulty: true, threads: 2 })
    await recovers(visit, 'wasm', { texts: 1, tensors: 1 })
    // In the worker, Emscripten leaves the promise of a thread that did not start to nobody.
    expect(visit.uncaught.splice(0)).toEqual(['The object can not be cloned.'])
  },
)
