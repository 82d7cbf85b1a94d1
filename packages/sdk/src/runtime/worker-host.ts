/** Owns the worker: spawns it when it is first needed, a fresh one after a death, and one that takes over in time. */
import type { HealthChange } from '../contract/index.js'
import { EdgewardError, isEdgewardError } from '../errors/index.js'
import { abortable, createDeferred, neverAborted, type Deferred } from '../shared/index.js'
import type {
  AddPayload,
  CacheActions,
  LiveResources,
  MethodResult,
  Payload,
  WorkerMethod,
} from '../transport/index.js'
import { pageClock, type Clock } from './clock.js'
import { Recycler, type RecycleLimits } from './recycler.js'
import type { LiveWorker, StartOptions } from './start-worker.js'
import { drained, makeSuccessor } from './take-over.js'
import { replaced, type WorkerObserver } from './watched-connection.js'
import { WorkerHealth, type WorkerNeed } from './worker-health.js'
import { WorkerStarts } from './worker-starts.js'

export interface WorkerHostOptions extends StartOptions {
  /** How long a run that was never measured, or a step of a load, may show no sign of life, in milliseconds. Absent: any time. */
  readonly hangMs?: number
  /** Absent: a worker is kept as long as it lives. */
  readonly recycle?: RecycleLimits
  /** Hears of workers and GPU devices that were lost, came back or were replaced. */
  readonly onHealth?: (change: HealthChange) => void
  /** Absent: the page's. */
  readonly clock?: Clock
}

type State =
  | { readonly is: 'idle' }
  /** `started` is there as soon as it answers. */
  | { readonly is: 'live'; readonly starting: Promise<LiveWorker>; readonly started?: LiveWorker }
  | { readonly is: 'disposed' }

/** Begun again by those who asked for it, if at all. The others may be asked twice: what they do twice is done once. */
const unrepeatable: readonly WorkerMethod[] = ['run', 'generate', 'prepare', 'download', 'update']

/** How long a worker may take to answer when the page is seen again, and it does nothing else. */
const recheckMs = 5_000

export class WorkerHost {
  readonly #options: WorkerHostOptions
  readonly #clock: Clock
  readonly #health: WorkerHealth
  readonly #recycler: Recycler | undefined
  readonly #starts: WorkerStarts
  /** Workers that were replaced, and end what they were asked for. */
  readonly #replaced = new Set<LiveWorker>()
  #state: State = { is: 'idle' }
  /** Ends with the page's visit: with it, workers that are starting. */
  #visit = new AbortController()
  /** While the page is away; resolves when it is seen again. */
  #away: Deferred<undefined> | undefined
  /** What {@link WorkerHost.foreground} was told last. */
  #foreground = 0

  constructor(options: WorkerHostOptions) {
    const { clock = pageClock, onHealth = () => undefined, recycle } = options
    this.#options = options
    this.#clock = clock
    this.#starts = new WorkerStarts(options, clock)
    this.#health = new WorkerHealth(clock, onHealth)
    this.#recycler =
      recycle &&
      new Recycler({
        clock,
        limits: recycle,
        current: () => this.started,
        replace: (old, why) => this.#replace(old, why),
      })
  }

  /**
   * The live worker.
   *
   * @throws EdgewardError WORKER_UNAVAILABLE when it cannot be started, or the last ones died one after the other; DISPOSED
   */
  live(need: WorkerNeed = 'other'): Promise<LiveWorker> {
    if (this.#state.is === 'disposed') return Promise.reject(disposed())
    if (this.#away) return abortable(this.#away.promise, this.#visit.signal).then(() => this.live(need))
    const refusal = this.#health.refusal(need, this.#state.is === 'live')
    if (refusal) return Promise.reject(refusal)
    if (this.#state.is === 'live') return this.#state.starting
    const starting = this.#start()
    this.#state = { is: 'live', starting }
    const isCurrent = () => this.#state.is === 'live' && this.#state.starting === starting
    starting.then(
      (worker) => {
        if (isCurrent()) this.#take(worker, starting)
        // `dispose` waits for it, too, and lets it free what it holds.
        else if (this.#state.is !== 'disposed') worker.connection.terminate(replaced())
      },
      () => {
        if (isCurrent()) this.#state = { is: 'idle' }
      },
    )
    return starting
  }

  /** The live worker, if there is one that answers. */
  get started(): LiveWorker | undefined {
    return this.#state.is === 'live' ? this.#state.started : undefined
  }

  /** Works with the live worker, and once more with a fresh one when that dies meanwhile. */
  async onceMore<T>(work: (worker: LiveWorker) => Promise<T>, need?: WorkerNeed): Promise<T> {
    try {
      return await work(await this.live(need))
    } catch (error) {
      if (!isEdgewardError(error) || error.code !== 'WORKER_DIED') throw error
      return work(await this.live(need))
    }
  }

  /**
   * Tells the worker, and those after it, how many requests of this page need the network now: downloads of low priority
   * wait meanwhile. Starts no worker, and nobody waits for it.
   */
  foreground(requests: number): void {
    this.#foreground = requests
    // A worker that dies takes its downloads with it.
    this.started?.connection.call('foreground', { requests }, { signal: neverAborted() }).catch(() => undefined)
  }

  /** Calls a method of the live worker, which is started if there is none. */
  call<M extends WorkerMethod>(
    method: M,
    payload: Payload<M>,
    signal: AbortSignal = neverAborted(),
  ): Promise<MethodResult<M>> {
    const ask = ({ connection }: LiveWorker) => connection.call(method, payload, { signal })
    return unrepeatable.includes(method) ? this.live().then(ask) : this.onceMore(ask)
  }

  /** Asks the cache for something; what comes back is what {@link CacheActions} says. */
  async cache<A extends keyof CacheActions>(action: A, model = ''): Promise<Awaited<ReturnType<CacheActions[A]>>> {
    const answer = await this.call('cache', { action, model })
    // The worker's cache has the methods of `CacheActions`, which the wire's one result type cannot tell apart.
    return answer as Awaited<ReturnType<CacheActions[A]>>
  }

  /** Gives a model's files to the worker, and to those after it. */
  async add(payload: AddPayload): Promise<void> {
    await this.#starts.give(payload, () => this.call('add', payload))
  }

  /** The page is seen again: ends a worker that does not answer any more, and forgets what was lost with a GPU device. */
  async recheck(): Promise<void> {
    this.#away?.resolve(undefined)
    this.#away = undefined
    if (this.started) await this.#checkGpu(this.started)
  }

  /** The page goes away: ends all workers. Whoever needs one waits until {@link WorkerHost.recheck}. */
  leave(): void {
    if (this.#state.is === 'disposed' || this.#away) return
    const details = { left: true }
    const left = new EdgewardError('WORKER_DIED', 'The worker was ended because the page was left.', { details })
    const { started } = this
    this.#state = { is: 'idle' }
    this.#away = createDeferred()
    this.#visit.abort(left)
    this.#visit = new AbortController()
    for (const worker of [started, ...this.#replaced]) worker?.connection.terminate(left)
  }

  /**
   * Lets the workers free what they hold, then ends them; one that is still starting is ended at once. Resolves with what
   * the live one could not free.
   */
  async dispose(): Promise<LiveResources | undefined> {
    const { started } = this
    const starting = this.#state.is === 'live' ? this.#state.starting : undefined
    this.#state = { is: 'disposed' }
    this.#visit.abort(disposed())
    const current = started ?? (await starting?.catch(() => undefined))
    const ending = [...this.#replaced].map((worker) => worker.connection.shutDown(disposed()))
    const left = await current?.connection.shutDown(disposed())
    await Promise.all(ending)
    return left
  }

  #start(): Promise<LiveWorker> {
    let worker: LiveWorker | undefined
    const observer: WorkerObserver = {
      onUntrusted: (error) => worker && this.#retire(worker, error),
      onGpuLost: () => worker && void this.#checkGpu(worker),
      onWell: (what, backend) => {
        this.#health.well(what, backend)
        this.#recycler?.later()
      },
    }
    const watching = { clock: this.#clock, hangMs: this.#options.hangMs ?? Infinity, observer }
    const starting = this.#starts.start(watching, this.#visit.signal)
    // Before anybody else can have it do something.
    starting.then(
      (started) => (worker = started),
      () => undefined,
    )
    return starting
  }

  /** From now on this worker answers. */
  #take(started: LiveWorker, starting: Promise<LiveWorker>): void {
    this.#state = { is: 'live', starting, started }
    // Before whoever waits for the worker can ask it for a download.
    if (this.#foreground > 0) this.foreground(this.#foreground)
    this.#health.started()
    started.connection.onClosed((reason) => {
      if (this.started !== started) return
      this.#state = { is: 'idle' }
      this.#health.lost(started, reason)
    })
  }

  /** From now on nobody asks this worker, and the next one who needs one starts a fresh one. */
  #retire(worker: LiveWorker, why: EdgewardError): void {
    if (this.started !== worker) return
    this.#state = { is: 'idle' }
    this.#health.lost(worker, why)
    worker.connection.retire()
    void this.#drain(worker)
  }

  /** Lets a worker answer what it was asked, then ends it. Loads, which nobody could use any more, are ended with it. */
  async #drain(worker: LiveWorker): Promise<void> {
    const { connection } = worker
    this.#replaced.add(worker)
    connection.onClosed(() => this.#replaced.delete(worker))
    await drained(connection, this.#clock)
    if (this.#state.is !== 'disposed') await connection.shutDown(replaced())
  }

  /** Has a fresh worker, with the same placements ready, take over. */
  async #replace(old: LiveWorker, why: string): Promise<void> {
    const { signal } = this.#visit
    const { given } = this.#starts
    const starting = this.#start()
    const fresh = await starting
    const takeOver = () => {
      if (this.started !== old || this.#starts.given !== given) return false
      this.#take(fresh, starting)
      return true
    }
    await makeSuccessor(old, fresh, takeOver, signal)
    void this.#drain(old)
    this.#health.replaced(why)
  }

  /** When a GPU device was lost, what was ready on it is not any more. */
  async #checkGpu({ connection, models }: LiveWorker): Promise<void> {
    const options = { signal: neverAborted(), limitMs: recheckMs }
    // Its end is told by itself, and the next one who needs a worker starts a fresh one.
    const vitals = await connection.call('vitals', undefined, options).catch(() => undefined)
    if (vitals && this.#health.gpuLost(connection, vitals.gpuLosses)) models.placements.forgetAll('webgpu')
  }
}

function disposed(): EdgewardError {
  return new EdgewardError('DISPOSED', 'The client was disposed while this was pending.')
}
