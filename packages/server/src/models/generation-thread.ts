/** The endpoint's side of a thread that holds a language model, and that writes several answers at a time. */
import { Worker } from 'node:worker_threads'
import { EdgewardError, type ErrorCode } from 'edgeward'
import type { GenerationEvent, GenerationRequest } from 'edgeward/generation'
import type { GenerationCommand, GenerationReply, LanguageModelSource } from './generation-messages.js'
import { within } from './within.js'

/** How long closing waits for a run that is under way. */
const closeMs = 5000

type Answer = Extract<GenerationReply, { readonly kind: 'event' | 'end' | 'error' }>

interface Waiting {
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: EdgewardError) => void
}

export class GenerationThread {
  readonly #worker: Worker
  readonly #timeLimitMs: number
  /** Resolves when the thread has ended. */
  readonly ended: Promise<void>
  readonly #waiting = new Map<number, Waiting>()
  readonly #opened: Promise<void>
  #settleOpening: { readonly resolve: () => void; readonly reject: (error: EdgewardError) => void } | undefined
  #silence: NodeJS.Timeout | undefined
  #streams = 0
  #isAlive = true
  #isClosing = false

  private constructor(source: LanguageModelSource, timeLimitMs: number) {
    this.#timeLimitMs = timeLimitMs
    this.#worker = new Worker(new URL('./generation-worker.js', import.meta.url), { workerData: source })
    this.#opened = new Promise((resolve, reject) => (this.#settleOpening = { resolve, reject }))
    this.ended = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#fail('ended')
        resolve()
      })
    })
    this.#worker.on('error', (cause) => this.#fail(`failed: ${String(cause)}`, cause))
    this.#worker.on('message', (reply: GenerationReply) => this.#hear(reply))
    this.#listenForSilence()
  }

  /**
   * @param timeLimitMs How long opening, and then each run of the graph, may take: whoever takes longer counts as hung.
   * @throws {EdgewardError} `SESSION_FAILED` when a file is missing or wrong, or ONNX Runtime refuses the model.
   */
  static async open(source: LanguageModelSource, timeLimitMs: number): Promise<GenerationThread> {
    const thread = new GenerationThread(source, timeLimitMs)
    await thread.#opened
    return thread
  }

  /** Whether more can be asked for: false when the thread has ended, and when it hangs. */
  get isAlive(): boolean {
    return this.#isAlive
  }

  /**
   * Writes one answer; each event is made when it is asked for. Whoever stops reading stops the generation.
   *
   * @throws {EdgewardError} what the generation threw; `RUN_FAILED` when the thread ends or hangs; `signal.reason`
   */
  async *generate(request: GenerationRequest, signal: AbortSignal): AsyncGenerator<GenerationEvent, void, undefined> {
    signal.throwIfAborted()
    const stream = (this.#streams += 1)
    this.#send({ kind: 'start', stream, request })
    try {
      for (;;) {
        const answer = await this.#next(stream, signal)
        if (answer.kind === 'end') return
        if (answer.kind === 'error') throw new EdgewardError(answer.code, answer.message, { details: answer.details })
        yield answer.event
      }
    } finally {
      this.#waiting.delete(stream)
      this.#send({ kind: 'stop', stream })
    }
  }

  /**
   * Frees the model after the run that is under way. The thread is never terminated: ONNX Runtime would take the whole
   * process down with it, see {@link SessionThread.close}.
   */
  async close(): Promise<void> {
    if (!this.#isClosing) this.#send({ kind: 'close' })
    this.#isClosing = true
    await within(this.ended, closeMs)
  }

  #send(command: GenerationCommand): void {
    this.#worker.postMessage(command)
  }

  #next(stream: number, signal: AbortSignal): Promise<Answer> {
    signal.throwIfAborted()
    if (!this.#isAlive) return Promise.reject(died('RUN_FAILED', 'has ended'))
    return new Promise((resolve, reject) => {
      const onAbort = () => reject(signal.reason as Error)
      const settled = () => signal.removeEventListener('abort', onAbort)
      signal.addEventListener('abort', onAbort, { once: true })
      this.#waiting.set(stream, {
        resolve: (answer) => {
          settled()
          resolve(answer)
        },
        reject: (error) => {
          settled()
          reject(error)
        },
      })
      this.#send({ kind: 'next', stream })
      if (this.#silence === undefined) this.#listenForSilence()
    })
  }

  #hear(reply: GenerationReply): void {
    switch (reply.kind) {
      case 'ready':
        this.#settleOpening?.resolve()
        this.#settleOpening = undefined
        break
      case 'failed':
        this.#settleOpening?.reject(new EdgewardError('SESSION_FAILED', reply.message))
        this.#settleOpening = undefined
        break
      case 'alive':
        break
      default: {
        const waiting = this.#waiting.get(reply.stream)
        this.#waiting.delete(reply.stream)
        waiting?.resolve(reply)
      }
    }
    this.#listenForSilence()
  }

  /** Begins anew with each message, and rests while nobody waits. */
  #listenForSilence(): void {
    clearTimeout(this.#silence)
    this.#silence = undefined
    if (this.#settleOpening === undefined && this.#waiting.size === 0) return
    this.#silence = setTimeout(
      () => this.#fail(`took longer than ${this.#timeLimitMs} ms, and is replaced`),
      this.#timeLimitMs,
    ).unref()
  }

  #fail(what: string, cause?: unknown): void {
    this.#isAlive = false
    clearTimeout(this.#silence)
    this.#settleOpening?.reject(died('SESSION_FAILED', what, cause))
    this.#settleOpening = undefined
    for (const waiting of this.#waiting.values()) waiting.reject(died('RUN_FAILED', what, cause))
    this.#waiting.clear()
  }
}

function died(code: ErrorCode, what: string, cause?: unknown): EdgewardError {
  return new EdgewardError(code, `the language model's thread ${what}`, { cause })
}
