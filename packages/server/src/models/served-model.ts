/** One model as clients see it: what it takes and gives, and how a request gets its turn at a session. */
import { EdgewardError, isEdgewardError, type TensorMap } from 'edgeward'
import type { TensorSpec } from 'edgeward/manifest'
import { RecentMean } from '../load/recent-mean.js'
import { messageOf } from './message-of.js'
import type { ServedFile, ServedGraph } from './read-models.js'
import type { Served } from './served.js'
import type { SessionSource } from './session-messages.js'
import { SessionQueue, type SessionQueueLimits } from './session-queue.js'
import { SessionThread } from './session-thread.js'

export interface ServedModelLimits extends SessionQueueLimits {
  readonly threadsPerRun: number
  readonly runTimeLimitMs: number
}

/** How many hung threads a model may have: each keeps its memory, and may keep a processor busy. */
export const maxHungThreads = 2

/** After a session could not be opened, how long requests hear of it without another try, which reads the whole file. */
export const restMs = 1000

/** A served graph with its queue and its sessions: one for each run that may go on at a time, opened when needed. */
export class ServedModel implements Served {
  readonly name: string
  readonly versions: readonly string[]
  readonly revision: string
  readonly inputs: readonly TensorSpec[]
  readonly outputs: readonly TensorSpec[]
  /** The graph's file and those of its external data. */
  readonly files: readonly ServedFile[]
  readonly queue: SessionQueue
  readonly #source: SessionSource
  readonly #sessions = new Set<SessionThread>()
  readonly #idle: SessionThread[] = []
  readonly #recentRunSeconds = new RecentMean()
  readonly #runTimeLimitMs: number
  /** Threads that count as hung and have not ended yet. */
  readonly #hung = new Set<SessionThread>()
  #lastFailure: { readonly error: EdgewardError; readonly at: number } | undefined
  #disposed = false

  constructor({ name, revision, graph, files }: ServedGraph, limits: ServedModelLimits) {
    this.name = name
    this.revision = revision
    this.versions = revision === '1' ? ['1'] : ['1', revision]
    this.inputs = graph.inputs
    this.outputs = graph.outputs
    this.files = files
    this.#runTimeLimitMs = limits.runTimeLimitMs
    this.queue = new SessionQueue(name, limits)
    this.#source = { files, threadsPerRun: limits.threadsPerRun }
  }

  get isReady(): boolean {
    return !this.#lastFailure && !this.#disposed && this.#hung.size < maxHungThreads
  }

  refuse(error: EdgewardError): void {
    this.#lastFailure = { error, at: performance.now() }
  }

  get loadedSessions(): number {
    return this.#sessions.size
  }

  get runSeconds(): number | undefined {
    return this.#recentRunSeconds.value
  }

  get expectedWaitSeconds(): number | undefined {
    return this.runSeconds === undefined ? undefined : this.queue.turnsAhead * this.runSeconds
  }

  /**
   * Runs the graph when the queue lets it.
   *
   * @param inputs Already checked; their memory goes over to the session.
   * @throws {EdgewardError} `REMOTE_OVERLOADED`, `SESSION_FAILED`, `RUN_FAILED`, `INVALID_INPUT`, `DISPOSED`; `signal.reason` after an
   *   abort.
   */
  run(inputs: TensorMap, outputs: readonly string[], signal: AbortSignal): Promise<TensorMap> {
    return this.queue.run(async () => {
      const session = await this.#takeSession()
      try {
        // Opening may have taken long enough for the client to leave.
        signal.throwIfAborted()
        return await this.#timeRun(session, inputs, outputs)
      } finally {
        await this.#giveBack(session)
      }
    }, signal)
  }

  async dispose(): Promise<void> {
    this.#disposed = true
    const hung = [...this.#hung].map((session) => session.close())
    await Promise.all([...[...this.#sessions].map((session) => this.#close(session)), ...hung])
  }

  /** Runs that fail are not counted: they may end at once, and would make the model look faster than it is. */
  async #timeRun(session: SessionThread, inputs: TensorMap, outputs: readonly string[]): Promise<TensorMap> {
    const start = performance.now()
    const results = await session.run(inputs, outputs)
    this.#recentRunSeconds.add((performance.now() - start) / 1000)
    return results
  }

  /** The queue lets in no more requests than there may be sessions, so none is opened too many. */
  async #takeSession(): Promise<SessionThread> {
    if (this.#disposed) throw new EdgewardError('DISPOSED', 'the endpoint is shutting down')
    const idle = this.#idle.pop()
    if (idle?.isAlive) return idle
    if (idle) this.#forget(idle)
    const session = await this.#openSession()
    this.#sessions.add(session)
    return session
  }

  async #openSession(): Promise<SessionThread> {
    if (this.#hung.size >= maxHungThreads) throw new EdgewardError('SESSION_FAILED', 'the sessions of the model hang')
    if (this.#lastFailure && performance.now() - this.#lastFailure.at < restMs) throw this.#lastFailure.error
    try {
      const session = await SessionThread.open(this.#source, this.#runTimeLimitMs)
      this.#lastFailure = undefined
      return session
    } catch (thrown) {
      const error = isEdgewardError(thrown) ? thrown : new EdgewardError('SESSION_FAILED', messageOf(thrown))
      this.refuse(error)
      throw error
    }
  }

  async #giveBack(session: SessionThread): Promise<void> {
    if (!session.isAlive) this.#forget(session)
    else if (this.#disposed) await this.#close(session)
    else this.#idle.push(session)
  }

  /** A thread that has ended is gone with that; one that hangs ends itself should it ever come back. */
  #forget(session: SessionThread): void {
    this.#sessions.delete(session)
    this.#hung.add(session)
    void session.close()
    void session.close()
    void session.ended.then(() => this.#hung.delete(session))
  }

  async #close(session: SessionThread): Promise<void> {
    await session.close()
    this.#sessions.delete(session)
  }
}
