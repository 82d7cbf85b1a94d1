/** Breaks what the clients of this page run on; every fault is a real one. */
import { openChannel, type ToPage, type ToWorker } from './channel.js'
import breakableWorker from './breakable-worker.ts?worker&url'

/** Long enough for a worker that is in the middle of a run. */
const answerWithinMs = 1_000

/** There is one on a page: it replaces the page's `Worker`, to know those that live. */
export class Faults {
  /** The script of the workers that can be broken: for the option `workerUrl`. */
  readonly workerUrl: string
  readonly #workers = new Set<Worker>()
  readonly #channel: BroadcastChannel
  #isDiskFull = false
  #onGpusLost: (devices: number) => void = () => undefined

  constructor() {
    const name = crypto.randomUUID()
    this.workerUrl = `${breakableWorker}#${name}`
    this.#channel = openChannel(name)
    this.#channel.onmessage = ({ data }: MessageEvent<ToPage>) => {
      if (data.is === 'started') this.#tell({ is: 'disk', isFull: this.#isDiskFull })
      else this.#onGpusLost(data.devices)
    }
    captureWorkers(this.#workers)
  }

  /** Ends the workers as the browser does when memory is short: without a word to the page. */
  killWorker(): void {
    this.#workers.forEach((worker) => worker.terminate())
  }

  /** Destroys the workers' GPU devices; resolves with how many there were. */
  loseGpu(): Promise<number> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, answerWithinMs, 0)
      this.#onGpusLost = (devices) => {
        clearTimeout(timer)
        resolve(devices)
      }
      this.#tell({ is: 'lose-gpu' })
    })
  }

  /** From now on the browser gives the workers no more room, or as much as it has. */
  fillDisk(isFull: boolean): void {
    this.#isDiskFull = isFull
    this.#tell({ is: 'disk', isFull })
  }

  #tell(message: ToWorker): void {
    this.#channel.postMessage(message)
  }
}

function captureWorkers(live: Set<Worker>): void {
  globalThis.Worker = class extends Worker {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options)
      live.add(this)
    }

    override terminate(): void {
      live.delete(this)
      super.terminate()
    }
  }
}
