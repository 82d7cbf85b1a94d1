/** The steps of a start of ONNX Runtime: once its files have come, they may take so long and no longer. */
import { EdgewardError } from '../errors/index.js'
import { createDeferred } from '../shared/index.js'

/** A slow phone compiles the largest binary and starts it within 10 s. */
export const defaultStartBoundMs = 30_000

export type StartStep = 'script' | 'glue' | 'binary' | 'instance' | 'session'

export class StartSteps {
  readonly #boundMs: number
  readonly #pending = new Set<StartStep>()
  readonly #late = createDeferred<never>()
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(boundMs = defaultStartBoundMs) {
    this.#boundMs = boundMs
    this.#late.promise.catch(() => undefined) // Whoever takes a step hears of it.
  }

  /** The time runs from now on. Downloads do not count: they have bounds of their own. */
  filesCame(): void {
    this.#timer ??= setTimeout(() => this.#expire(), this.#boundMs)
  }

  /** Takes a step. @throws EdgewardError RUNTIME_FAILED when the time is over, with the steps that had not ended */
  async take<T>(step: StartStep, work: Promise<T>): Promise<T> {
    this.#pending.add(step)
    const done = await Promise.race([work, this.#late.promise])
    this.#pending.delete(step)
    return done
  }

  end(): void {
    clearTimeout(this.#timer)
  }

  #expire(): void {
    const steps = [...this.#pending]
    const message = `ONNX Runtime did not start within ${this.#boundMs} ms of its binary's arrival: it hangs at its ${steps.join(' and ')}.`
    this.#late.reject(new EdgewardError('RUNTIME_FAILED', message, { details: { steps, untrusted: true } }))
  }
}
