/** A stream that somebody writes while somebody else reads: one event for each that is asked for, and no more. */
import { abortable, createDeferred, type Deferred } from '../shared/index.js'

export class StreamChannel<T> {
  readonly stream: ReadableStream<T>
  readonly #cancelled = new AbortController()
  readonly #controller: ReadableStreamDefaultController<T>
  #wanted: Deferred<undefined> = createDeferred()
  #isOver = false

  constructor() {
    let controller!: ReadableStreamDefaultController<T>
    const source: UnderlyingDefaultSource<T> = {
      start: (own) => void (controller = own),
      pull: () => this.#wanted.resolve(undefined),
      cancel: (reason) => {
        this.#isOver = true
        this.#cancelled.abort(reason)
      },
    }
    this.stream = new ReadableStream(source, { highWaterMark: 0 })
    this.#controller = controller
  }

  /** Aborts when the reader has gone. */
  get cancelled(): AbortSignal {
    return this.#cancelled.signal
  }

  /** Resolves when the reader waits for an event. @throws the reason of `signal` */
  wanted(signal: AbortSignal): Promise<unknown> {
    return abortable(this.#wanted.promise, signal)
  }

  /** Gives an event to the reader when it waits for one. @throws the reason of `signal` */
  async send(event: T, signal: AbortSignal): Promise<void> {
    await this.wanted(signal)
    signal.throwIfAborted()
    // First, since a reader that waits for several asks for the next one while it gets this one.
    this.#wanted = createDeferred()
    if (!this.#isOver) this.#controller.enqueue(event)
  }

  close(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#controller.close()
  }

  fail(error: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#controller.error(error)
  }
}
