/** An EdgewardClient on engines that the test writes; everything else of it is real. */
import { EdgewardClient, type ClientParts } from '../../../packages/sdk/src/api/client.js'
import { Knowledge, type MeasurementKeeper } from '../../../packages/sdk/src/api/knowledge.js'
import { ModelDirectory, type LocateModel } from '../../../packages/sdk/src/api/model-directory.js'
import type { ClientOptions } from '../../../packages/sdk/src/api/options.js'
import { resolveClientOptions } from '../../../packages/sdk/src/api/resolve-options.js'
import type { EdgewardEvents, Engine, Placement, TensorMap } from '../../../packages/sdk/src/contract/index.js'
import { StorageReasons } from '../../../packages/sdk/src/api/storage-reasons.js'
import { Emitter } from '../../../packages/sdk/src/telemetry/index.js'
import { cpuOnly, endpoint, everywhere } from '../router/inputs.js'

export const wasm = { engine: 'device', backend: 'wasm', variant: 'fp32' } as const satisfies Placement
export const remote: Placement = { engine: 'remote', endpoint }
export const x: TensorMap = { x: { dtype: 'float32', shape: [1], data: Float32Array.of(1) } }
export const y: TensorMap = { y: { dtype: 'float32', shape: [1], data: Float32Array.of(2) } }

/** An engine that answers with `y`, except where the test says otherwise. */
export function engineOf(kind: Placement['engine'], behaviour: Partial<Engine> = {}): Engine {
  return {
    kind,
    prepare: () => Promise.resolve(),
    run: () => Promise.resolve({ output: y, timings: { inferenceMs: 1 } } as never), // Of whichever task was asked for.
    dispose: () => Promise.resolve(),
    ...behaviour,
  }
}

/** An engine that nobody may touch: reading any of its properties throws. */
export function untouchable(kind: Placement['engine']): Engine {
  return new Proxy(engineOf(kind), {
    get(_target, property) {
      throw new Error(`the ${kind} engine's ${String(property)} was touched`)
    },
  })
}

export const findsEverything: LocateModel = ({ modelsUrls: [first], model }) =>
  Promise.resolve({ manifest: everywhere, manifestUrl: `${first}${model}/manifest.json` })

/** Nothing was measured before, and nothing is kept. */
const forgetful: MeasurementKeeper = {
  recall: () => Promise.resolve({ records: [] }),
  remember: () => Promise.resolve(),
  benchmark: () => Promise.reject(new Error('nothing is measured here')),
}

interface FakeParts extends Partial<Omit<ClientParts, 'options' | 'models' | 'engines'>> {
  /** `remote` is the engine of the one endpoint. */
  readonly engines?: { readonly device?: Engine; readonly remote?: Engine }
  readonly options?: ClientOptions
  readonly locate?: LocateModel
}

export function createFakeClient({
  options = {},
  locate = findsEverything,
  engines: { device, remote } = { device: engineOf('device'), remote: engineOf('remote') },
  ...parts
}: FakeParts = {}) {
  const emitter = new Emitter<EdgewardEvents>()
  const resolved = resolveClientOptions({ models: 'https://models.example/', ...options })
  const client = new EdgewardClient({
    options: resolved,
    engines: { ...(device && { device }), remotes: new Map(remote ? [[endpoint, remote]] : []) },
    endpoints: remote ? [endpoint] : [],
    threads: 1,
    knowledge: new Knowledge(forgetful, 1),
    readiness: () => 'ready',
    foreground: () => undefined,
    diagnose: () => Promise.resolve([]),
    models: new ModelDirectory(resolved.models, locate),
    cache: () => Promise.reject(new Error('this client has no cache')),
    download: () => Promise.resolve(),
    add: () => Promise.resolve(),
    update: () => Promise.resolve({ storage: [] }),
    missing: () => Promise.resolve({}),
    warm: () => undefined,
    storageReasons: new StorageReasons(),
    emitter,
    probe: () => Promise.resolve(cpuOnly),
    watchPageLife: () => () => undefined,
    recheck: () => undefined,
    leave: () => undefined,
    release: () => Promise.resolve(),
    ...parts,
  })
  return { client, emitter }
}

/** Has it known how long requests of the model `model` take on the device: next to nothing. */
export async function measureDevice(knowledge: Knowledge): Promise<void> {
  const { client } = createFakeClient({ knowledge })
  for (let runs = 0; runs < 30; runs += 1) await client.run('model', x)
  await client.explain('model') // Runs are taken in when nobody waits for an answer, or somebody asks what is known.
}
