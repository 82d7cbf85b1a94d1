/** Keeps the sessions of each model, variant and backend: made once, shared, released when the worker shuts down. */
import type { Backend, VariantDtype } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import { SingleFlight } from '../shared/index.js'
import { modelKey, type Vitals } from '../transport/index.js'
import type { ModelAdmission } from '../weights/index.js'
import { runCanary } from './canary.js'
import { GpuOwner } from './gpu-owner.js'
import { ModelSessions, OpenSessions, type OpenGraph } from './open-sessions.js'
import { createSession } from './ort-session.js'
import { buildFor, startRuntime, type Runtime } from './runtime-build.js'
import type { LoadListener, WorkerModel } from './worker-model.js'

export interface SessionPlace {
  readonly backend: Backend
  readonly variant: VariantDtype
  readonly threads: number
}

export class SessionPool {
  readonly #open = new OpenSessions()
  readonly #opening = new SingleFlight<string, ModelSessions>()
  readonly #runtimes = new Map<Backend, Promise<Runtime>>()
  #failedStarts = 0
  readonly #gpu = new GpuOwner(() => this.#open.drop('webgpu'))

  /**
   * Works with the sessions of a model at a place.
   *
   * @throws EdgewardError GPU_LOST when they are not open: the page does not unload what it works with
   */
  async use<T>(
    model: WorkerModel,
    place: Omit<SessionPlace, 'threads'>,
    work: (sessions: ModelSessions) => Promise<T>,
  ): Promise<T> {
    const working = this.#open.use(keyOf(model, place), work)
    if (working === undefined) throw new EdgewardError('GPU_LOST', `The sessions of ${model.manifest.id} are gone.`)
    return working
  }

  /** Frees the sessions of a model at a place as soon as nobody works with them. */
  async unload(model: WorkerModel, place: Omit<SessionPlace, 'threads'>): Promise<undefined> {
    await this.#open.unload(keyOf(model, place))
  }

  /** Fetches the weights while the runtime starts, makes the sessions, and runs their canaries. */
  open(model: WorkerModel, place: SessionPlace, signal: AbortSignal, listener: LoadListener): Promise<ModelSessions> {
    const key = keyOf(model, place)
    const open = this.#open.get(key)
    if (open !== undefined) return Promise.resolve(open)
    // A load that may not use the network fails where another need not.
    const flight = `${key}${model.isOffline ? ' (offline)' : ''}`
    return this.#opening.run(flight, signal, async (sharedSignal) => {
      const losses = this.#gpu.losses
      const graphs = await this.#openGraphs(model, place, sharedSignal, listener)
      const sessions = new ModelSessions(model.manifest.id, graphs)
      try {
        sharedSignal.throwIfAborted() // The page does not know of what comes too late, and would never unload it.
        if (place.backend === 'webgpu' && this.#gpu.losses !== losses) {
          // They were made on a device that is gone.
          throw new EdgewardError('GPU_LOST', `The GPU was lost while ${model.manifest.id} was made ready.`)
        }
        return await this.#open.add(key, place.backend, sessions)
      } catch (error) {
        await sessions.release().catch(() => undefined)
        throw error
      }
    })
  }

  /** Starts the runtime before a model needs it, which then hears of a failure or starts it afresh. */
  warm(place: Omit<SessionPlace, 'variant'>): Promise<undefined> {
    this.#runtime(place).catch(() => undefined)
    return Promise.resolve(undefined)
  }

  get live(): { sessions: number; gpuDevices: number } {
    return { sessions: this.#open.count, gpuDevices: this.#gpu.count }
  }

  get vitals(): Vitals {
    return { heapBytes: 0, runs: 0, gpuLosses: this.#gpu.losses }
  }

  async close(): Promise<void> {
    await this.#open.close()
    await this.#gpu.destroy()
  }

  async #openGraphs(model: WorkerModel, place: SessionPlace, signal: AbortSignal, listener: LoadListener) {
    const failed = new AbortController()
    const loading = AbortSignal.any([signal, failed.signal])
    const made = new Map<string, OpenGraph>()
    const turn = {
      // Nobody waits for a load of low priority: its sessions are made when no request wants to run.
      get lane() {
        return listener.priority?.isLow ? 'background' : 'default'
      },
      model: modelKey(model.manifest),
      signal,
    } as const
    try {
      const starting = this.#start(place, loading, listener)
      const admitting = model.admit(place.variant, listener)
      const fetching = Object.entries(model.variant(place.variant).graphs).map(([name, graph]) => {
        return {
          name,
          graph,
          files: admitting.then((admission) => model.loadGraph(graph, loading, listener, admission)),
        }
      })
      // The task's own files come along, so that "ready" means ready; when this backend fails, they are the next one's.
      const preparing = admitting.then((admission) => prepareTask(model, signal, listener, admission))
      const files = Promise.all([preparing, ...fetching.map((fetched) => fetched.files)]).then(() => undefined)
      publishAfter(files, admitting)
      const started = await startedWith(files, starting, listener)
      const { refusal } = await admitting
      // Shifted off one by one, so that each file's chunks are let go as soon as its session exists.
      for (let next = fetching.shift(); next !== undefined; next = fetching.shift()) {
        const { name, graph } = next
        listener.onPhase?.('session')
        const options = { ...started, graph, backend: place.backend, turn }
        // Chunks that were read are gone: when they are needed again after all, they come from the cache.
        const reload = () => model.loadGraph(graph, signal, {}, { refusal })
        const session = await createSession(await next.files, reload, options)
        made.set(name, { graph, session })
        if (graph.canary) listener.onPhase?.('canary')
        await runCanary(session, graph, `${model.manifest.id} (${name}, ${place.variant}, ${place.backend})`, turn)
      }
      return made
    } catch (error) {
      failed.abort(error)
      await Promise.allSettled([...made.values()].map(({ session }) => session.release()))
      throw error
    }
  }

  /** What sessions are made with; it starts while the weights travel. */
  async #start(
    place: SessionPlace,
    signal: AbortSignal,
    { priority }: LoadListener,
  ): Promise<{ runtime: Runtime; gpu?: GPUDevice }> {
    await priority?.mayRead(signal) // The runtime's files come over the network, too.
    if (place.backend === 'wasm') return { runtime: await this.#runtime(place) }
    const [runtime, gpu] = await Promise.all([this.#runtime(place), this.#gpu.device()])
    return { runtime, gpu }
  }

  #runtime({ backend, threads }: Omit<SessionPlace, 'variant'>): Promise<Runtime> {
    const existing = this.#runtimes.get(backend)
    if (existing !== undefined) return existing
    const build = buildFor(backend, 'Suspending' in WebAssembly)
    const starting = startRuntime(build, { threads, attempt: this.#failedStarts })
    this.#runtimes.set(backend, starting)
    starting.catch(() => {
      this.#failedStarts += 1
      this.#runtimes.delete(backend)
    })
    return starting
  }
}

function keyOf(model: WorkerModel, { backend, variant }: Omit<SessionPlace, 'threads'>): string {
  return `${modelKey(model.manifest)}/${variant}/${backend}`
}

/** What has started, when the files are there too; tells when they had to wait for it. */
async function startedWith<T>(files: Promise<unknown>, starting: Promise<T>, listener: LoadListener): Promise<T> {
  let isStarted = false
  const [started] = await Promise.all([
    starting.finally(() => (isStarted = true)),
    files.then(() => isStarted || listener.onPhase?.('runtime')),
  ])
  return started
}

/** Publishes the model as soon as its files are there, whatever becomes of its sessions; nobody waits for it. */
function publishAfter(files: Promise<unknown>, admitting: Promise<ModelAdmission>): void {
  files
    .then(
      async () => (await admitting).publish(),
      async () => (await admitting).giveUp(),
    )
    .catch(() => undefined) // Without an admission no file was loaded, and whoever waits for the files hears why.
}

async function prepareTask(
  model: WorkerModel,
  signal: AbortSignal,
  listener: LoadListener,
  admission: ModelAdmission,
): Promise<void> {
  const { assets, task } = model.manifest
  await Promise.all(Object.keys(assets).map((role) => model.asset(role, signal, listener, admission)))
  await model.task(task, signal)
}
