/** Has this device's arithmetic measured once, when nothing else is going on. */
import type { Capabilities } from '../contract/index.js'
import { isUnderPressure } from '../router/index.js'
import type { Knowledge } from './knowledge.js'

/** So long after an answer nobody is likely to be waiting for the next one. */
const quietMs = 2_000

export class IdleBenchmark {
  readonly #knowledge: Knowledge
  readonly #isBusy: () => boolean
  #timer: ReturnType<typeof setTimeout> | undefined
  #answeredAt = -Infinity
  #isDone = false

  /** @param isBusy - whether somebody waits for something */
  constructor(knowledge: Knowledge, isBusy: () => boolean) {
    this.#knowledge = knowledge
    this.#isBusy = isBusy
  }

  /** After an answer. */
  consider(capabilities: Capabilities): void {
    if (this.#isDone || this.#knowledge.benchmark(capabilities)) return
    this.#answeredAt = performance.now()
    this.#timer ??= setTimeout(() => this.#measureIfQuiet(capabilities), quietMs)
  }

  dispose(): void {
    this.#isDone = true
    clearTimeout(this.#timer)
  }

  #measureIfQuiet(capabilities: Capabilities): void {
    this.#timer = undefined
    const quietFor = performance.now() - this.#answeredAt
    if (quietFor >= quietMs) this.#measure(capabilities)
    else this.#timer = setTimeout(() => this.#measureIfQuiet(capabilities), quietMs - quietFor)
  }

  #measure(capabilities: Capabilities): void {
    const { conditions } = this.#knowledge
    const isStrained = conditions.hidden || isUnderPressure(conditions)
    // Measured now, it would say too little of this device; the next answer is another occasion.
    if (this.#isBusy() || isStrained || globalThis.document?.readyState !== 'complete') return
    this.#isDone = true
    // Without a worker there is nothing to measure, and nothing to place on the device.
    this.#knowledge.measureDevice(capabilities).catch(() => undefined)
  }
}
