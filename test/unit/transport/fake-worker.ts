/** A worker for Node: the real `serve` at one end of a MessageChannel and something like a `Worker` at the other. */
import { onTestFinished, vi } from 'vitest'
import { serve, type WorkerHandlers } from '../../../packages/sdk/src/transport/index.js'

const notAsked = () => Promise.reject(new Error('this handler was not to be asked'))

export interface FakeWorker {
  readonly worker: Worker
  /** How often the worker was terminated. */
  readonly terminations: () => number
  /** Ends the worker as a crash does: without a word. */
  crash(): void
  /** Reports an error of the script. */
  fail(message: string): void
}

/** Starts a worker with these handlers; `silent` ones never answer. */
export function startFakeWorker(handlers: Partial<WorkerHandlers> | 'silent'): FakeWorker {
  const { port1: pageEnd, port2: workerEnd } = new MessageChannel()
  const locks = createLocks()
  if (handlers !== 'silent') {
    // The worker that was started last says hello next.
    vi.stubGlobal('navigator', { locks })
    const models = { locate: notAsked, register: notAsked, warm: notAsked, prepare: notAsked, hasten: notAsked }
    const cache = { add: notAsked, download: notAsked, cache: notAsked, update: notAsked, missing: notAsked }
    const requests = { run: notAsked, generate: notAsked, process: notAsked, unload: notAsked, foreground: notAsked }
    const measurements = { recall: notAsked, remember: notAsked, benchmark: notAsked }
    const life = { configure: notAsked, shutdown: notAsked, runtimeBinary: notAsked, vitals: notAsked }
    serve({ ...models, ...cache, ...requests, ...measurements, ...life, ...handlers }, workerEnd)
    workerEnd.start()
  }
  pageEnd.start()
  let terminations = 0
  const errors = new EventTarget()
  const end = () => {
    workerEnd.close()
    locks.release()
  }
  onTestFinished(() => {
    end()
    vi.unstubAllGlobals()
  })
  const onPage = (type: string) => (type === 'error' ? errors : pageEnd)
  const worker = {
    postMessage: pageEnd.postMessage.bind(pageEnd),
    addEventListener: (type: string, listener: EventListener) => onPage(type).addEventListener(type, listener),
    removeEventListener: (type: string, listener: EventListener) => onPage(type).removeEventListener(type, listener),
    terminate: () => {
      terminations += 1
      end()
    },
  }
  return {
    worker: worker as unknown as Worker, // What the page's end uses of one.
    terminations: () => terminations,
    crash: end,
    fail: (message) => errors.dispatchEvent(Object.assign(new Event('error'), { message })),
  }
}

/** One lock, which the worker takes first; the page gets it when the worker has gone. */
function createLocks() {
  const waiting: (() => void)[] = []
  let taken: string | undefined
  return {
    query: () => Promise.resolve({ held: taken === undefined ? [] : [{ name: taken }] }),
    request(name: string, ...[first, second]: [unknown, (() => unknown)?]): Promise<unknown> {
      const callback = (second ?? first) as () => unknown
      const { signal } = (second === undefined ? {} : first) as { signal?: AbortSignal }
      if (taken === undefined) {
        taken = name
        return Promise.resolve(callback())
      }
      return new Promise((resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason as Error))
        waiting.push(() => {
          if (signal?.aborted !== true) resolve(callback())
        })
      })
    },
    release() {
      for (const take of waiting.splice(0)) take()
    },
  }
}
