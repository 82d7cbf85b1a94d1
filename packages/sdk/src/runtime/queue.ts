/** Who waits for the device: how many may, and until when. */
import type { EngineRequest } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'

export class DeviceQueue {
  /** Requests that wait or run. */
  #requests = 0

  /** Whether several requests are on the device now. */
  get isShared(): boolean {
    return this.#requests > 1
  }

  /**
   * Lets a request in. The caller calls what it returns when the request has ended.
   *
   * @throws EdgewardError QUEUE_FULL when as many wait already as the request says may; one that runs does not wait
   */
  enter({ lane = 'default', maxQueued = Infinity }: Pick<EngineRequest, 'lane' | 'maxQueued'>): () => void {
    if (this.#requests > maxQueued) {
      const waiting = this.#requests - 1
      const message = `${waiting} requests wait for the device already; the policy's maxQueued is ${maxQueued}.`
      throw new EdgewardError('QUEUE_FULL', message, { details: { waiting, maxQueued, lane } })
    }
    this.#requests += 1
    return () => (this.#requests -= 1)
  }
}

/** @throws EdgewardError DEADLINE_EXCEEDED when the request's time is over: it is not even started */
export function checkDeadline({ deadlineAt = Infinity }: Pick<EngineRequest, 'deadlineAt'>): void {
  if (performance.now() < deadlineAt) return
  throw new EdgewardError('DEADLINE_EXCEEDED', "The request's deadline passed while it waited for the device.")
}
