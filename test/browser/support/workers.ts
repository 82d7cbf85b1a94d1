/** Lets a test get hold of the workers that a client starts. */

export interface CapturedWorkers {
  /** In the order in which they were started. */
  readonly workers: readonly Worker[]
  restore(): void
}

export function capturedWorkers(): CapturedWorkers {
  const workers: Worker[] = []
  const original = globalThis.Worker
  globalThis.Worker = class extends original {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options)
      workers.push(this)
    }
  }
  return {
    workers,
    restore: () => {
      globalThis.Worker = original
    },
  }
}
