/** Puts a client together: the only place where the rooms meet. */
import type { Capabilities, EdgewardEvents, Finding } from '../contract/index.js'
import { CrashSentinel, createPageStore, defaultThreads, probeCapabilities, watchPageLife } from '../device/index.js'
import { memoryOf } from '../router/index.js'
import {
  announcer,
  createDeviceEngine,
  createWorkerProcessor,
  spawnWorker,
  WorkerHost,
  type DeviceListener,
  type MemoryBudget,
  type RequestBatching,
} from '../runtime/index.js'
import { abortable } from '../shared/index.js'
import { Emitter } from '../telemetry/index.js'
import { EdgewardClient, type ClientParts } from './client.js'
import { Knowledge, type MeasurementKeeper } from './knowledge.js'
import { knowEndpoints } from './endpoints.js'
import { sentinelWatch } from './load-watch.js'
import type { Client } from './client-surface.js'
import { ModelDirectory } from './model-directory.js'
import { openAiSurface } from './openai-surface.js'
import type { ClientOptions } from './options.js'
import { resolveClientOptions, type ResolvedClientOptions } from './resolve-options.js'
import { StorageReasons } from './storage-reasons.js'

/**
 * Creates a client. Nothing is fetched and no worker is started before the first request, so that a page may create it
 * early, and server-side rendering may create it at all.
 *
 * @throws EdgewardError INVALID_OPTION
 */
export function createClient(options: ClientOptions = {}): Client {
  const resolved = resolveClientOptions(options)
  const emitter = new Emitter<EdgewardEvents>()
  const host = new WorkerHost({
    spawn: () => spawnWorker(resolved.workerUrl),
    storage: resolved.storage,
    hub: resolved.huggingFace,
    hangMs: resolved.hangMs,
    recycle: resolved.recycle,
    onHealth: (change) => emitter.emit('health', change),
  })
  const threads = resolved.threads ?? defaultThreads()
  const storageReasons = new StorageReasons()
  const store = createPageStore()
  const sentinel = new CrashSentinel(store)
  const { knowledge, remotes, answers } = knowEndpoints(resolved, emitter, createWorkerProcessor(host), (endpoints) => {
    const leftovers = () => sentinel.leftovers()
    return new Knowledge(keeperIn(host), threads, { store, leftovers, ...endpoints })
  })
  const probed: { capabilities?: Capabilities } = {}
  const onLoading = sentinelWatch(sentinel, knowledge.places, () => probed.capabilities)
  const listener = { ...tell(emitter, storageReasons), onLoading }
  const engineOptions = { memory: memoryWithin(resolved.policy.maxMemoryBytes), loadBatching }
  const device = resolved.device ? createDeviceEngine(host, threads, listener, engineOptions) : undefined
  const models = new ModelDirectory(resolved.models, (payload) => host.call('locate', payload))
  const client = new EdgewardClient({
    options: resolved,
    engines: { ...(device && { device }), remotes },
    storageReasons,
    ...askingWorker(host, models, threads, listener),
    endpoints: [...remotes.keys()],
    answers,
    threads,
    knowledge,
    readiness: (source, placement) => device?.readiness(source, placement),
    diagnose: (capabilities) => diagnosePage({ options: resolved, models, host, capabilities }),
    models,
    emitter,
    probe: async () => (probed.capabilities = await probeCapabilities()),
    watchPageLife,
    // Without a device engine the worker still pre-processes for the endpoint.
    async release() {
      sentinel.dispose()
      await host.dispose()
    },
  })
  return Object.assign(client, openAiSurface(client))
}

/** What the client asks the worker, whoever answers its requests. */
function askingWorker(host: WorkerHost, models: ModelDirectory, threads: number, listener: DeviceListener) {
  return {
    missing: (manifest) => host.call('missing', manifest),
    update: async (model, maxDownloadBytes, signal) =>
      host.call('update', { modelsUrls: models.modelsUrls, model, maxDownloadBytes }, signal),
    // What has arrived is kept: a fresh worker goes on where another one died, or was replaced.
    download: (source, variant, signal) =>
      abortable(
        host.onceMore(async ({ models: known }) => {
          const model = await known.register(source)
          await known.download({ model, variant }, signal, announcer(source.manifest.id, listener))
        }),
        signal,
      ),
    // Whoever needs the runtime hears why it could not start.
    warm: (backend) => void host.call('warm', { backend, threads }).catch(() => undefined),
    foreground: (requests) => host.foreground(requests),
    cache: (action, model) => host.cache(action, model),
    add: (payload) => host.add(payload),
    recheck: () => void host.recheck(),
    leave: () => host.leave(),
  } satisfies Partial<ClientParts>
}

async function loadBatching(): Promise<RequestBatching> {
  const { createBatching } = await import('./batching.js')
  return createBatching()
}

/** Few pages ask, so that what answers is loaded only then. */
async function diagnosePage({
  options: { policy, device, remote: endpoints },
  models,
  host,
  capabilities,
}: {
  readonly options: ResolvedClientOptions
  readonly models: ModelDirectory
  readonly host: WorkerHost
  readonly capabilities: Capabilities
}): Promise<readonly Finding[]> {
  const { diagnose } = await import('./doctor.js')
  const backend = capabilities.webgpu && !capabilities.webgpu.isFallbackAdapter ? 'webgpu' : 'wasm'
  const locateRuntime = () => host.call('runtimeBinary', { backend })
  return diagnose({ capabilities, policy, device, models: await models.sources(), endpoints, locateRuntime })
}

/** How much models may take on the device, all together. */
function memoryWithin(maxBytes: number): MemoryBudget {
  return {
    maxBytes,
    bytesOf({ manifest }, { backend, variant }) {
      const found = manifest.variants.find(({ dtype }) => dtype === variant)
      return found === undefined ? 0 : memoryOf(found, backend)
    },
  }
}

/** Measurements are made, and kept, in the worker. */
function keeperIn(host: WorkerHost): MeasurementKeeper {
  return {
    recall: (browser) => host.call('recall', { browser }),
    remember: (payload) => host.call('remember', payload),
    benchmark: (webgpu) => host.call('benchmark', { webgpu }),
  }
}

function tell(emitter: Emitter<EdgewardEvents>, reasons: StorageReasons): DeviceListener {
  let isAsked = false
  return {
    onDownload: (progress) => emitter.emit('download', progress),
    onReady: (model, placement, loadMs) => emitter.emit('ready', { model, placement, loadMs }),
    onNotStored(model, reason, loading) {
      reasons.add(model, reason, loading)
      emitter.emit('storage', { model, reason })
    },
    onPublished(model) {
      reasons.kept(model)
      // Now there is something to lose, and a browser that asks the user asks once. Whatever it says, the cache goes on.
      if (!isAsked) navigator.storage?.persist?.().catch(() => undefined)
      isAsked = true
    },
  }
}
