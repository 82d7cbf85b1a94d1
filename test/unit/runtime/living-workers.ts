/** A device engine on fake workers, several of which live at a time, with a clock that the test moves. */
import { vi } from 'vitest'
import type {
  EngineAnswer,
  EngineRequest,
  HealthChange,
  ModelSource,
  Placement,
} from '../../../packages/sdk/src/contract/index.js'
import { EdgewardError } from '../../../packages/sdk/src/errors/index.js'
import {
  createDeviceEngine,
  WorkerHost,
  type DeviceEngine,
  type WorkerHostOptions,
} from '../../../packages/sdk/src/runtime/index.js'
import { neverAborted } from '../../../packages/sdk/src/shared/index.js'
import type { PrepareEvent, WorkerHandlers } from '../../../packages/sdk/src/transport/index.js'
import { everywhere } from '../router/inputs.js'
import { startFakeWorker, type FakeWorker } from '../transport/fake-worker.js'
import { ManualClock } from './manual-clock.js'

export const place: Extract<Placement, { engine: 'device' }> = { engine: 'device', backend: 'wasm', variant: 'fp32' }
export const source: ModelSource = { manifest: everywhere, manifestUrl: 'https://models.example/model/manifest.json' }
export const answer: EngineAnswer = { output: {}, timings: { inferenceMs: 1 } }
export const never = () => new Promise<never>(() => undefined)
export const untrusted = new EdgewardError('OUT_OF_MEMORY', 'bad_alloc', { details: { untrusted: true } })

export function streamOf(...events: PrepareEvent[]): ReadableStream<PrepareEvent> {
  return new ReadableStream({
    start(controller) {
      for (const event of events) controller.enqueue(event)
      controller.close()
    },
  })
}

/** Handlers of the workers, by number from 0; what is absent goes well. */
export type Behaviour = (worker: number) => Partial<WorkerHandlers>

export interface Life {
  readonly host: WorkerHost
  readonly engine: DeviceEngine
  readonly clock: ManualClock
  readonly workers: readonly FakeWorker[]
  readonly health: readonly HealthChange[]
  /** What {@link Life.health} says, in short. */
  states(): string[]
  /** Asks for an answer. */
  run(more?: Partial<EngineRequest<'tensors'>>, where?: Placement): Promise<EngineAnswer<'tensors'>>
  isReady(): boolean
  /** What has been sent either way is heard. */
  settle(): Promise<void>
  /** Time goes by, and the workers can answer meanwhile. */
  pass(ms: number): Promise<void>
}

export function startLife(behaviour: Behaviour = () => ({}), options: Partial<WorkerHostOptions> = {}): Life {
  const clock = new ManualClock()
  const workers: FakeWorker[] = []
  const health: HealthChange[] = []
  const spawn = () => {
    const fake = startFakeWorker({
      prepare: () => Promise.resolve(streamOf()),
      register: () => Promise.resolve(undefined),
      run: () => Promise.resolve(answer),
      process: () => Promise.resolve(answer),
      unload: () => Promise.resolve(undefined),
      vitals: () => Promise.resolve({ heapBytes: 0, runs: 0, gpuLosses: 0 }),
      missing: () => Promise.resolve({ fp32: { files: [], bytes: 0 } }),
      shutdown: () => Promise.resolve({ sessions: 0, gpuDevices: 0, databases: 0 }),
      ...behaviour(workers.length),
    })
    workers.push(fake)
    return fake.worker
  }
  const onHealth = (change: HealthChange) => void health.push(change)
  const host = new WorkerHost({ spawn, clock, hangMs: 60_000, onHealth, ...options })
  const listener = { onDownload: vi.fn(), onReady: vi.fn(), onNotStored: vi.fn(), onPublished: vi.fn() }
  const engine = createDeviceEngine(host, 1, listener)
  const run = (more: Partial<EngineRequest<'tensors'>> = {}, where: Placement = place) =>
    engine.run(where, { model: 'model', task: 'tensors', input: {}, options: {}, ...source, ...more }, neverAborted())
  const isReady = () => engine.readiness(source, place) === 'ready'
  const states = () => health.map(({ part, state }) => `${part} ${state}`)
  // A message takes a task or two.
  const settle = async () => {
    for (let task = 0; task < 12; task += 1) await new Promise((resolve) => setImmediate(resolve))
  }
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 1_000) {
      clock.advance(Math.min(1_000, ms - passed))
      await settle()
    }
  }
  return { host, engine, clock, workers, health, states, run, isReady, settle, pass }
}
