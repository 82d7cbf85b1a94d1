/** Whether a runtime can still be believed: after a trap or a lack of memory, its heap may hold anything. */
import { EdgewardError } from '../errors/index.js'

export class Trust {
  #lostBy: EdgewardError | undefined

  /** Does work of the runtime. @throws EdgewardError WORKER_DIED when it cannot be believed any more: only a fresh worker helps */
  async during<T>(work: () => Promise<T>): Promise<T> {
    if (this.#lostBy) {
      const message = `ONNX Runtime cannot go on in this worker: ${this.#lostBy.message}`
      throw new EdgewardError('WORKER_DIED', message, { details: { untrusted: true }, cause: this.#lostBy })
    }
    try {
      return await work()
    } catch (error) {
      if (error instanceof EdgewardError && error.details['untrusted'] === true) this.#lostBy = error
      throw error
    }
  }
}
