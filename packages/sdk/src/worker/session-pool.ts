/** Keeps the sessions of each model, variant and backend: made once, shared, released when the worker shuts down. */
import type { Backend, VariantDtype } from '../contract/index.js'
import { EdgewardError, isEdgewardError } from '../errors/index.js'
import { SingleFlight } from '../shared/index.js'
import { modelKey, type Vitals } from '../transport/index.js'
import { GpuOwner } from './gpu-owner.js'
import { openGraphs, type StartedBackend } from './open-graphs.js'
import { ModelSessions, OpenSessions } from './open-sessions.js'
import { buildFor, startRuntime, type Runtime } from './runtime-build.js'
import type { RuntimeMemory } from './runtime-memory.js'
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
  readonly #memories: RuntimeMemory[] = []
  /** What was found of sessions that are gone because they computed wrongly, by their place, until there are others. */
  readonly #wrong = new Map<string, EdgewardError>()
  #failedStarts = 0
  #runs = 0
  readonly #gpu = new GpuOwner(() => this.#open.drop('webgpu'))

  /**
   * Works with the sessions of a model at a place.
   *
   * @throws EdgewardError when they are not open, since the page does not unload what it works with: CANARY_FAILED, or GPU_LOST
   */
  async use<T>(
    model: WorkerModel,
    place: Omit<SessionPlace, 'threads'>,
    work: (sessions: ModelSessions) => Promise<T>,
  ): Promise<T> {
    const key = keyOf(model, place)
    const sessions = this.#open.get(key)
    const working = this.#open.use(key, work)
    if (sessions === undefined || working === undefined) {
      throw this.#wrong.get(key) ?? new EdgewardError('GPU_LOST', `The sessions of ${model.manifest.id} are gone.`)
    }
    try {
      return await working
    } catch (error) {
      if (isEdgewardError(error) && error.code === 'CANARY_FAILED') this.#discard(key, sessions, error)
      throw error
    }
  }

  /** Nobody works with sessions any more that were found to compute wrongly; nobody waits until they are free, either. */
  #discard(key: string, sessions: ModelSessions, why: EdgewardError): void {
    // Others may have been made since.
    if (this.#open.get(key) !== sessions) return
    this.#wrong.set(key, why)
    void this.#open.unload(key).catch(() => undefined) // They count as live until they are released.
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
      const start = (loading: AbortSignal) => this.#start(place, loading, listener)
      const { graphs, gpu, streams } = await openGraphs(model, place, start, sharedSignal, listener)
      const sessions = new ModelSessions(model.manifest.id, graphs, streams)
      try {
        sharedSignal.throwIfAborted() // The page does not know of what comes too late, and would never unload it.
        gpu?.check()
        this.#wrong.delete(key)
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
    const heapBytes = this.#memories.reduce((sum, { bytes }) => sum + bytes, 0)
    return { heapBytes, runs: this.#runs, gpuLosses: this.#gpu.losses }
  }

  async close(): Promise<void> {
    await this.#open.close()
    await this.#gpu.destroy()
  }

  /** What sessions are made with; it starts while the weights travel. */
  async #start(place: SessionPlace, signal: AbortSignal, { priority }: LoadListener): Promise<StartedBackend> {
    await priority?.mayRead(signal) // The runtime's files come over the network, too.
    const onRun = () => (this.#runs += 1)
    const liveGpu = () => (place.backend === 'webgpu' ? this.#gpu.live() : Promise.resolve(undefined))
    const [runtime] = await Promise.all([this.#runtime(place), liveGpu()])
    return { runtime, liveGpu, onRun }
  }

  #runtime({ backend, threads }: Omit<SessionPlace, 'variant'>): Promise<Runtime> {
    const existing = this.#runtimes.get(backend)
    if (existing !== undefined) return existing
    const build = buildFor(backend, 'Suspending' in WebAssembly)
    const starting = startRuntime(build, { threads, attempt: this.#failedStarts })
    this.#runtimes.set(backend, starting)
    starting.then(
      ({ memory }) => this.#memories.push(memory),
      () => {
        this.#failedStarts += 1
        this.#runtimes.delete(backend)
      },
    )
    return starting
  }
}

function keyOf(model: WorkerModel, { backend, variant }: Omit<SessionPlace, 'threads'>): string {
  return `${modelKey(model.manifest)}/${variant}/${backend}`
}
