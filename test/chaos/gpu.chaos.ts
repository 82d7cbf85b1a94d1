/** Failures of the GPU: on software WebGPU, which is a real device for the browser and for ONNX Runtime. */
import { expect, failure, recovers } from './support/failure.js'
import { codesOf, placesOf } from './support/outcome.js'
import type { OpenOptions } from './support/world.js'

/** A caller who insists on WebGPU, since it is software here. */
const gpuFirst: OpenOptions = { backends: ['webgpu', 'wasm'], faulty: true }
const tensors = { tensors: 4 }
const minute = 60_000

failure(
  {
    row: 1,
    name: 'The GPU is lost: a driver reset, a computer that slept',
    user: 'answers; the request that was under way takes a moment longer',
    edgeward:
      'asks again on a fresh adapter, device and session, or elsewhere; after several losses WebGPU rests for a time that grows',
    injected: 'Chromium, software WebGPU: `device.destroy()` in the worker, three times',
  },
  async (world) => {
    const visit = await world.visit(gpuFirst)
    expect(placesOf(await visit.ask(tensors))).toEqual(['webgpu'])
    const [during] = await Promise.all([visit.ask({ tensors: 12, texts: 1 }), visit.strike({ 'lose-gpu': 1 })])
    expect(['', 'GPU_LOST']).toContain(codesOf(during).join())
    await recovers(visit, 'webgpu')
    await expect.poll(() => visit.health()).toEqual(expect.arrayContaining(['gpu lost', 'gpu recovered']))
    for (let losses = 2; losses <= 3; losses += 1) {
      await visit.later(minute)
      await recovers(visit, 'webgpu')
      const [again] = await Promise.all([visit.ask(tensors), visit.strike({ 'lose-gpu': 1 })])
      expect(['', 'GPU_LOST']).toContain(codesOf(again).join())
      await visit.ask(tensors)
    }
    await recovers(visit, 'wasm')
    const { ruledOut } = await visit.call('explain', 'tiny-mlp')
    expect(ruledOut).toContainEqual(expect.objectContaining({ code: 'GPU_LOST' }))
    await visit.later(60 * minute)
    await recovers(visit, 'webgpu')
  },
)

failure(
  {
    row: 2,
    name: 'The GPU is lost in the middle of a run, and the run ends with zeros all the same',
    user: 'the right answer, a moment later',
    edgeward: 'throws away what a run gave that overlapped a loss, and asks again',
    injected:
      'Chromium, software WebGPU: `mapAsync` succeeds while the device is destroyed, and the buffer reads as zeros',
  },
  async (world) => {
    const visit = await world.visit(gpuFirst)
    expect(placesOf(await visit.ask(tensors))).toEqual(['webgpu'])
    await visit.strike({ 'zeros-while-lost': 1 })
    const during = await visit.ask(tensors)
    expect(codesOf(during)).toEqual(['GPU_LOST'])
    await recovers(visit, 'webgpu')
  },
)

/** How many backends are known to compute wrongly, as it is stored for the next visit. */
const keptVerdicts = `new Promise((resolve) => {
  const opening = indexedDB.open('edgeward-weights')
  opening.onsuccess = () => {
    const reading = opening.result.transaction('measurements').objectStore('measurements').getAll()
    reading.onsuccess = () => resolve(reading.result.filter(({ verdict }) => verdict).length)
    opening.result.close()
  }
})`

failure(
  {
    row: 3,
    name: 'A driver computes wrongly, without any error',
    user: 'right answers, from another backend or the endpoint',
    edgeward:
      'runs the manifest’s canary before the first answer, rules the backend out for this model, adapter and browser; NaN and zeros have it run again',
    injected:
      'Chromium, software WebGPU: runs on WebGPU begin to give NaN; the first run of another model gives changed numbers',
  },
  async (world) => {
    const visit = await world.visit(gpuFirst)
    expect(placesOf(await visit.ask(tensors))).toEqual(['webgpu'])
    // A run, and the canary that it made suspicious.
    await visit.strike({ 'not-a-number': 2 })
    const notNumbers = await visit.ask({ tensors: 1 })
    expect([placesOf(notNumbers), codesOf(notNumbers)]).toEqual([['wasm'], ['CANARY_FAILED']])
    await expect.poll(() => visit.evaluate(keptVerdicts)).toBe(1)
    world.site.faults = { 'wrong-numbers': 1 }
    await visit.open(gpuFirst)
    const wrong = await visit.ask({ texts: 2 })
    expect([placesOf(wrong), codesOf(wrong)]).toEqual([['wasm'], ['CANARY_FAILED']])
    await expect.poll(() => visit.evaluate(keptVerdicts)).toBe(2)
    await visit.open(gpuFirst)
    const after = await visit.ask(tensors)
    expect([placesOf(after), codesOf(after)]).toEqual([['wasm'], []])
    const { ruledOut } = await visit.call('explain', 'tiny-mlp')
    expect(ruledOut).toContainEqual(expect.objectContaining({ code: 'CANARY_FAILED' }))
  },
)

failure(
  {
    row: 4,
    name: 'There is WebGPU, but no adapter',
    user: 'answers from the CPU',
    edgeward: 'asks for an adapter, not for `navigator.gpu`; one that is gone later costs a step to WASM',
    injected: 'Chromium: `requestAdapter` gives null in the worker, then in the page too',
  },
  async (world) => {
    const visit = await world.visit(gpuFirst)
    expect(placesOf(await visit.ask(tensors))).toEqual(['webgpu'])
    world.site.faults = { 'no-adapter': Infinity }
    await visit.open(gpuFirst)
    const inWorker = await visit.ask(tensors)
    expect([placesOf(inWorker), codesOf(inWorker)]).toEqual([['wasm'], ['BACKEND_UNAVAILABLE']])
    await visit.open({ ...gpuFirst, before: 'GPU.prototype.requestAdapter = async () => null' })
    const inBoth = await visit.ask(tensors)
    expect([placesOf(inBoth), codesOf(inBoth)]).toEqual([['wasm'], []])
    world.heal()
    await visit.open(gpuFirst)
    await recovers(visit, 'webgpu')
  },
)

failure(
  {
    row: 5,
    name: 'The GPU binds less than the model’s largest tensor',
    user: 'answers from the CPU',
    edgeward: 'compares the limits with the manifest before anything is fetched',
    injected: 'Chromium, software WebGPU: `adapter.limits` tell 128 bytes',
  },
  async (world) => {
    const visit = await world.visit(gpuFirst)
    expect(placesOf(await visit.ask(tensors))).toEqual(['webgpu'])
    const limits = '{ maxStorageBufferBindingSize: 128, maxBufferSize: 128 }'
    await visit.open({
      ...gpuFirst,
      before: `Object.defineProperty(GPUAdapter.prototype, 'limits', { get: () => (${limits}) })`,
    })
    const during = await visit.ask(tensors)
    expect([placesOf(during), codesOf(during)]).toEqual([['wasm'], []])
    const { ruledOut } = await visit.call('explain', 'tiny-mlp')
    expect(ruledOut).toContainEqual(expect.objectContaining({ reason: expect.stringContaining('binds') }))
    await visit.open(gpuFirst)
    await recovers(visit, 'webgpu')
  },
)
