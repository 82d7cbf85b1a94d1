/** Virtual time: timers fire in the order of their times, as soon as nothing else is to be done. */

interface Timer {
  readonly at: number
  /** Timers of one time fire in the order in which they were set. */
  readonly order: number
  readonly fire: () => void
  isCancelled: boolean
}

export class Clock {
  #now = 0
  #order = 0
  readonly #heap: Timer[] = []

  get now(): number {
    return this.#now
  }

  /** Calls `fire` after `ms` milliseconds, unless what is returned is called before. */
  after(ms: number, fire: () => void): () => void {
    const timer: Timer = { at: this.#now + Math.max(0, ms), order: this.#order++, fire, isCancelled: false }
    push(this.#heap, timer)
    return () => {
      timer.isCancelled = true
    }
  }

  /** Resolves after `ms` milliseconds; rejects with the signal's reason when it aborts before. */
  wait(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error)
        return
      }
      const onAbort = () => {
        cancel()
        reject(signal?.reason as Error)
      }
      const cancel = this.after(ms, () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      })
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  /** Runs until no timer is left. Meanwhile the page's own timers and `performance.now()` are of this clock. */
  async run(): Promise<void> {
    const restore = this.#install()
    try {
      for (let timer = pop(this.#heap); timer !== undefined; timer = pop(this.#heap)) {
        if (timer.isCancelled) continue
        this.#now = timer.at
        timer.fire()
        // Everything that this has set off comes to rest before time goes on.
        await new Promise((resolve) => setImmediate(resolve))
      }
    } finally {
      restore()
    }
  }

  #install(): () => void {
    const { setTimeout, clearTimeout } = globalThis
    const { now } = performance
    const cancels = new Map<number, () => void>()
    let last = 0
    const virtual = {
      setTimeout: (fire: () => void, ms = 0) => {
        last += 1
        cancels.set(last, this.after(ms, fire))
        return last
      },
      clearTimeout: (timer: number) => {
        cancels.get(timer)?.()
        cancels.delete(timer)
      },
    }
    Object.assign(globalThis, virtual)
    performance.now = () => this.#now
    return () => {
      Object.assign(globalThis, { setTimeout, clearTimeout })
      performance.now = now
    }
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

/** A binary heap, the earliest first. */
function push(heap: Timer[], timer: Timer): void {
  let index = heap.length
  while (index > 0) {
    const parent = (index - 1) >> 1
    const above = heap[parent]
    if (above === undefined || isBefore(above, timer)) break
    heap[index] = above
    index = parent
  }
  heap[index] = timer
}

function pop(heap: Timer[]): Timer | undefined {
  const [first] = heap
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return last
  let index = 0
  for (;;) {
    const [left, right] = [heap[2 * index + 1], heap[2 * index + 2]]
    if (left === undefined) break
    const isRight = right !== undefined && isBefore(right, left)
    const child = isRight ? right : left
    if (isBefore(last, child)) break
    heap[index] = child
    index = 2 * index + (isRight ? 2 : 1)
  }
  heap[index] = last
  return first
}
