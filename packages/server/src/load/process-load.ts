/** What the endpoint's process uses and answers, measured over the time since the reading before. */
import { availableCpus, availableMemoryBytes } from './machine.js'

/** Where the numbers come from; tests have their own. */
export interface ProcessSources {
  /** Any clock that does not jump, in seconds. */
  readonly nowSeconds: () => number
  /** Processor time used so far by all threads, in seconds. */
  readonly cpuSeconds: () => number
  readonly residentBytes: () => number
  /** Processors that the process may use; may be a fraction. */
  readonly cpus: number
  readonly memoryBytes: number
}

/** `undefined` until the first second has passed. */
export interface ProcessReading {
  readonly cpuUtilization: number | undefined
  readonly memUtilization: number
  readonly requestsPerSecond: number | undefined
  readonly errorsPerSecond: number | undefined
}

/** Shorter times would show the machine's own clock ticks, and cost readings. */
const shortestSeconds = 1

/** Counts answers; reads the process when asked, at most once a second. Nothing runs in between. */
export class ProcessLoad {
  readonly #sources: ProcessSources
  #requests = 0
  #errors = 0
  #start: { readonly seconds: number; readonly cpuSeconds: number }
  #last: ProcessReading

  constructor(sources: ProcessSources = thisProcess()) {
    this.#sources = sources
    this.#start = { seconds: sources.nowSeconds(), cpuSeconds: sources.cpuSeconds() }
    this.#last = {
      cpuUtilization: undefined,
      memUtilization: this.#memUtilization(),
      requestsPerSecond: undefined,
      errorsPerSecond: undefined,
    }
  }

  /** Counts one answer. */
  countAnswer(status: number): void {
    this.#requests += 1
    if (status >= 500) this.#errors += 1
  }

  /** The mean since the reading before; that reading itself when it is less than a second old. */
  read(): ProcessReading {
    const { nowSeconds, cpuSeconds, cpus } = this.#sources
    const now = nowSeconds()
    const seconds = now - this.#start.seconds
    if (seconds < shortestSeconds) return this.#last
    const cpu = cpuSeconds()
    this.#last = {
      cpuUtilization: (cpu - this.#start.cpuSeconds) / seconds / cpus,
      memUtilization: this.#memUtilization(),
      requestsPerSecond: this.#requests / seconds,
      errorsPerSecond: this.#errors / seconds,
    }
    this.#start = { seconds: now, cpuSeconds: cpu }
    this.#requests = 0
    this.#errors = 0
    return this.#last
  }

  /** ORCA allows no more than 1; pages shared with other processes could exceed it. */
  #memUtilization(): number {
    return Math.min(1, this.#sources.residentBytes() / this.#sources.memoryBytes)
  }
}

function thisProcess(): ProcessSources {
  return {
    nowSeconds: () => performance.now() / 1000,
    cpuSeconds: () => {
      const { user, system } = process.cpuUsage()
      return (user + system) / 1e6
    },
    residentBytes: () => process.memoryUsage.rss(),
    cpus: availableCpus(),
    memoryBytes: availableMemoryBytes(),
  }
}
