/** A connection to a worker whose calls are watched: a worker that hangs is ended, and its errors are told. */
import type { Backend, EngineRequest, GenerationEvent } from '../contract/index.js'
import { EdgewardError, isEdgewardError } from '../errors/index.js'
import { neverAborted } from '../shared/index.js'
import type {
  CallOptions,
  CloseListener,
  Connection,
  LiveResources,
  MethodResult,
  Payload,
  PrepareEvent,
  Vitals,
  WorkerMethod,
} from '../transport/index.js'
import type { Clock } from './clock.js'
import { Watchdog, type Group } from './watchdog.js'
import { groupOf, limitOf } from './watch-limits.js'
import { watchStream } from './watched-stream.js'

/** Who hears of what happens in the worker. */
export interface WorkerObserver {
  /** An error of its own says that its runtime cannot be trusted any more. */
  onUntrusted(error: EdgewardError): void
  /** It says that what was on a GPU device is gone. */
  onGpuLost(): void
  /** It has answered a request, or a load is ready. */
  onWell(what: 'request' | 'load', backend: Backend | undefined): void
}

/** What decides how long a run may show no sign of life. */
export type RunTimes = Pick<EngineRequest, 'expectedMs' | 'deadlineAt'>

export interface WatchedCallOptions extends CallOptions {
  /** What it hangs together with; absent: it lives as long as the worker answers anything. */
  readonly group?: Group
  /** How long it may show no sign of life, in milliseconds; absent: as long as its group. */
  readonly limitMs?: number
}

/** A load that is watched from its first event to its end. */
export interface WatchedLoad {
  onEvent(event: PrepareEvent): void
  onReady(): void
  onFailed(error: unknown, signal: AbortSignal): void
}

export interface WatchedConnectionOptions {
  readonly clock: Clock
  readonly hangMs: number
  readonly observer: WorkerObserver
}

/** How long a worker may take to free what it holds before it is ended all the same. */
const shutdownMs = 3_000

export class WatchedConnection implements Connection {
  readonly #connection: Connection
  readonly #options: WatchedConnectionOptions
  readonly #watchdog: Watchdog
  readonly #bornAt: number
  readonly #inFlight = { calls: 0, runs: 0, loads: 0 }
  #idleSince: number
  #askedAt: number
  #isRetired = false
  /** How many runs it has answered, well or not. */
  runs = 0
  /** How many loads it was asked for. */
  loads = 0

  constructor(connection: Connection, options: WatchedConnectionOptions) {
    this.#connection = connection
    this.#options = options
    const { clock } = options
    this.#bornAt = this.#idleSince = this.#askedAt = clock.now()
    this.#watchdog = new Watchdog({
      clock,
      ask: async () => (await this.vitals()).runs,
      onHung: (silentMs) => this.terminate(hung(silentMs)),
    })
    connection.onClosed(() => this.#watchdog.stop())
  }

  get ageMs(): number {
    return this.#options.clock.now() - this.#bornAt
  }

  get isLoading(): boolean {
    return this.#inFlight.loads > 0
  }

  /** Whether it works for the device: what it runs or loads may be what kills it. */
  get isAtWork(): boolean {
    return this.#inFlight.runs + this.#inFlight.loads > 0
  }

  /** For how long nobody has waited for an answer, in milliseconds; loads tell how they get on, and are none. */
  get unaskedMs(): number {
    return this.#inFlight.calls > 0 ? 0 : this.#options.clock.now() - this.#askedAt
  }

  /** For how long nothing has been in flight, in milliseconds. */
  get idleMs(): number {
    return this.#inFlight.calls > 0 || this.isLoading ? 0 : this.#options.clock.now() - this.#idleSince
  }

  /**
   * How long a run may show no sign of life: ten times what it was measured to take is a hang, and no request is cut short of
   * its deadline.
   */
  runLimitMs({ expectedMs, deadlineAt = Infinity }: RunTimes): number {
    const { hangMs, clock } = this.#options
    const leftMs = deadlineAt === Infinity ? 0 : deadlineAt - clock.now()
    return expectedMs === undefined ? Math.max(hangMs, leftMs) : Math.max(hangMs / 6, 10 * expectedMs, leftMs)
  }

  async call<M extends WorkerMethod>(
    method: M,
    payload: Payload<M>,
    { group = 'answers', limitMs = limitOf(group, this.#options.hangMs), ...options }: WatchedCallOptions,
  ): Promise<MethodResult<M>> {
    if (this.#isRetired) throw replaced()
    const watched = this.#watchdog.watch(group, limitMs)
    const isRun = method === 'run'
    this.#count(1, 'calls')
    if (isRun) this.#count(1, 'runs')
    try {
      const result = await this.#connection.call(method, payload, options)
      watched.answered()
      if (isRun) this.#options.observer.onWell('request', (payload as Payload<'run'>).backend)
      else if (method === 'process') this.#options.observer.onWell('request', undefined)
      return result
    } catch (error) {
      if (options.signal.aborted) watched.abandoned()
      else watched.answered()
      this.#judge(error)
      throw error
    } finally {
      if (isRun) {
        this.runs += 1
        this.#count(-1, 'runs')
      }
      this.#count(-1, 'calls')
    }
  }

  /**
   * Has the worker write. The stream is a run for as long as somebody reads; what it may take for an event is what a run may that
   * was never measured, since its steps are short.
   */
  async generate(payload: Payload<'generate'>, signal: AbortSignal): Promise<ReadableStream<GenerationEvent>> {
    const { backend } = payload
    const { clock, observer } = this.#options
    const limitMs = this.runLimitMs({})
    const stream = await this.call('generate', payload, { signal, group: backend, limitMs })
    return watchStream(stream, {
      clock,
      watch: () => this.#watchdog.watch(backend, limitMs),
      count: (change) => this.#count(change, 'calls', 'runs'),
      onEnd: (isWell, error) => {
        this.runs += 1
        if (isWell) observer.onWell('request', backend)
        else this.#judge(error)
      },
    })
  }

  /** @param backend - that it makes sessions for, if it does */
  watchLoad(backend: Backend | undefined): WatchedLoad {
    const own: Group = `load ${(this.loads += 1)}`
    const { hangMs } = this.#options
    const answering = this.#watchdog.watch('answers', limitOf('answers', hangMs))
    const watched = this.#watchdog.watch('answers', limitOf('answers', hangMs))
    this.#count(1, 'loads')
    return {
      onEvent(event) {
        if (event.type !== 'progress') return
        answering.progressed('answers')
        const group = groupOf(event, backend, own)
        watched.progressed(group, limitOf(group, hangMs))
      },
      onReady: () => {
        answering.answered()
        watched.answered()
        this.#count(-1, 'loads')
        this.#options.observer.onWell('load', backend)
      },
      onFailed: (error, { aborted }) => {
        for (const one of [answering, watched]) {
          if (aborted) one.abandoned()
          else one.answered()
        }
        this.#judge(error)
        this.#count(-1, 'loads')
      },
    }
  }

  /** Asks the worker how it is. This is neither watched nor work. */
  vitals(): Promise<Vitals> {
    return this.#connection.call('vitals', undefined, { signal: neverAborted() })
  }

  /** From now on nothing more is asked of it. */
  retire(): void {
    this.#isRetired = true
  }

  /** Lets the worker free what it holds, then ends it. Resolves with what it could not free, if it could say so. */
  async shutDown(reason: EdgewardError): Promise<LiveResources | undefined> {
    this.retire()
    const late = new AbortController()
    const stopWaiting = this.#options.clock.after(shutdownMs, () => late.abort(reason))
    try {
      return await this.#connection.call('shutdown', undefined, { signal: late.signal })
    } catch {
      return undefined // It was busy or already dead: ending it frees everything too.
    } finally {
      stopWaiting()
      this.terminate(reason)
    }
  }

  onClosed(listener: CloseListener): () => void {
    return this.#connection.onClosed(listener)
  }

  terminate(reason: EdgewardError): void {
    this.#connection.terminate(reason)
  }

  #count(change: 1 | -1, ...kinds: readonly ('calls' | 'runs' | 'loads')[]): void {
    for (const kind of kinds) this.#inFlight[kind] += change
    this.#idleSince = this.#options.clock.now()
    if (kinds.includes('calls')) this.#askedAt = this.#idleSince
  }

  #judge(error: unknown): void {
    if (!isEdgewardError(error)) return
    if (error.code === 'GPU_LOST') this.#options.observer.onGpuLost()
    if (error.details['untrusted'] === true) this.#options.observer.onUntrusted(error)
  }
}

function hung(silentMs: number): EdgewardError {
  const message = `The worker was ended because it gave no sign of life for ${Math.round(silentMs)} ms.`
  return new EdgewardError('WORKER_DIED', message, { details: { hung: true, silentMs } })
}

/** Whoever comes too late for a worker that is replaced is answered by the fresh one. */
export function replaced(): EdgewardError {
  return new EdgewardError('WORKER_DIED', 'The worker was replaced by a fresh one.', { details: { replaced: true } })
}
