/** A language model as clients see it: one thread that writes several answers at a time, and a queue before it. */
import { EdgewardError, isEdgewardError } from 'edgeward'
import type { GenerationEvent, GenerationRequest, LanguageModelConfig } from 'edgeward/generation'
import { RecentMean } from '../load/recent-mean.js'
import type { LanguageModelSource } from './generation-messages.js'
import { GenerationThread } from './generation-thread.js'
import { messageOf } from './message-of.js'
import type { LanguageModelFiles } from './read-models.js'
import type { Served } from './served.js'
import { maxHungThreads, restMs, type ServedModelLimits } from './served-model.js'
import { SessionQueue } from './session-queue.js'

export interface LanguageModelLimits extends ServedModelLimits {
  readonly maxConcurrentStreams: number
}

/** A request's place at the model; whoever has it must release it. */
export interface Turn {
  /** Writes one answer, as {@link GenerationThread.generate} does. */
  generate(request: GenerationRequest, signal: AbortSignal): AsyncGenerator<GenerationEvent>
  release(): void
}

export class ServedLanguageModel implements Served {
  readonly name: string
  readonly versions: readonly string[]
  readonly revision: string
  /** It is asked for texts, not for tensors. */
  readonly inputs = []
  readonly outputs = []
  readonly files: Served['files']
  readonly queue: SessionQueue
  readonly config: LanguageModelConfig
  /** How many tokens were read and written so far. */
  readonly tokens = { prompt: 0, generated: 0 }
  readonly #source: LanguageModelSource
  readonly #runTimeLimitMs: number
  readonly #recentSeconds = new RecentMean()
  /** Threads that count as hung and have not ended yet. */
  readonly #hung = new Set<GenerationThread>()
  #thread: Promise<GenerationThread> | undefined
  #isLoaded = false
  #lastFailure: { readonly error: EdgewardError; readonly at: number } | undefined
  #disposed = false

  constructor({ name, revision, dtype, config, files, ...assets }: LanguageModelFiles, limits: LanguageModelLimits) {
    const { maxConcurrentStreams, threadsPerRun, runTimeLimitMs } = limits
    this.name = name
    this.revision = revision
    this.versions = revision === '1' ? ['1'] : ['1', revision]
    this.config = config
    this.files = [...files, ...Object.values(assets)]
    this.queue = new SessionQueue(name, { ...limits, maxConcurrentRuns: maxConcurrentStreams })
    this.#runTimeLimitMs = runTimeLimitMs
    this.#source = { files, dtype, ...assets, config, threadsPerRun, maxStreams: maxConcurrentStreams }
  }

  get isReady(): boolean {
    return !this.#lastFailure && !this.#disposed && this.#hung.size < maxHungThreads
  }

  get loadedSessions(): number {
    return this.#isLoaded ? 1 : 0
  }

  /** Mean time of the recent requests, in seconds. */
  get runSeconds(): number | undefined {
    return this.#recentSeconds.value
  }

  get expectedWaitSeconds(): number | undefined {
    return this.runSeconds === undefined ? undefined : this.queue.turnsAhead * this.runSeconds
  }

  refuse(error: EdgewardError): void {
    this.#lastFailure = { error, at: performance.now() }
  }

  /**
   * Waits for a place among those that are answered now.
   *
   * @throws {EdgewardError} `REMOTE_OVERLOADED`, `SESSION_FAILED`, `DISPOSED`; `signal.reason` after an abort.
   */
  acquire(signal: AbortSignal): Promise<Turn> {
    return new Promise((resolve, reject) => {
      const work = async () => {
        const thread = await this.#openThread()
        // Opening may have taken long enough for the client to leave.
        signal.throwIfAborted()
        const start = performance.now()
        await new Promise<void>((release) => {
          resolve({ generate: (request, stop) => this.#count(thread.generate(request, stop)), release })
        })
        this.#recentSeconds.add((performance.now() - start) / 1000)
      }
      // A place that was given is kept until it is released, also after an abort.
      this.queue.run(work, signal).catch(reject)
    })
  }

  /** Ends what is under way after its next token. */
  async dispose(): Promise<void> {
    this.#disposed = true
    // One that could not be opened has nothing to close; whoever asked for it has heard why.
    const thread = await this.#thread?.catch(() => undefined)
    const threads = thread === undefined ? [...this.#hung] : [thread, ...this.#hung]
    await Promise.all(threads.map((one) => one.close()))
    this.#isLoaded = false
  }

  async *#count(events: AsyncGenerator<GenerationEvent>): AsyncGenerator<GenerationEvent> {
    for await (const event of events) {
      if (event.type === 'start') this.tokens.prompt += event.promptTokens ?? 0
      if (event.type === 'delta') this.tokens.generated += event.tokenIds?.length ?? 0
      yield event
    }
  }

  async #openThread(): Promise<GenerationThread> {
    if (this.#disposed) throw new EdgewardError('DISPOSED', 'the endpoint is shutting down')
    const thread = await this.#thread
    if (thread?.isAlive) return thread
    if (thread !== undefined) this.#forget(thread)
    // Others that waited for the same one may have begun already.
    this.#thread ??= this.#open()
    return this.#thread
  }

  async #open(): Promise<GenerationThread> {
    try {
      if (this.#hung.size >= maxHungThreads) throw new EdgewardError('SESSION_FAILED', 'the sessions of the model hang')
      if (this.#lastFailure && performance.now() - this.#lastFailure.at < restMs) throw this.#lastFailure.error
      const thread = await GenerationThread.open(this.#source, this.#runTimeLimitMs)
      this.#lastFailure = undefined
      this.#isLoaded = true
      return thread
    } catch (thrown) {
      this.#thread = undefined
      const error = isEdgewardError(thrown) ? thrown : new EdgewardError('SESSION_FAILED', messageOf(thrown))
      if (this.#lastFailure?.error !== error) this.refuse(error)
      throw error
    }
  }

  /** A thread that has ended is gone with that; one that hangs ends itself should it ever come back. */
  #forget(thread: GenerationThread): void {
    if (this.#hung.has(thread)) return
    this.#thread = undefined
    this.#isLoaded = false
    this.#hung.add(thread)
    void thread.close()
    void thread.ended.then(() => this.#hung.delete(thread))
  }
}
