/** Has the page go on with clients that can be broken, once somebody wants to break them; until then it is as any other. */
import { announce } from '../announce.js'
import type { Answering } from '../answering.js'
import { cutEndpoint, endpointLine, type Config } from '../config.js'
import { explainError } from '../explain-error.js'
import { Faults } from './faults.js'

export class BreakablePage {
  /** Whether this page's server can cut the line to the endpoint. */
  readonly isCuttable: boolean
  readonly #answering: Answering
  readonly #endpoint: string | null
  #preparing: Promise<Faults> | undefined

  constructor(answering: Answering, { endpoint, connection }: Config) {
    this.#answering = answering
    this.#endpoint = endpoint
    this.isCuttable = endpoint !== null && connection !== undefined
  }

  /** The same for all; after a failure it is tried anew. */
  async prepare(): Promise<Faults> {
    try {
      return await (this.#preparing ??= this.#prepare())
    } catch (error) {
      this.#preparing = undefined
      throw error
    }
  }

  async #prepare(): Promise<Faults> {
    if (this.isCuttable) await cutEndpoint(false)
    const faults = new Faults()
    const { workerUrl } = faults
    const endpoint = this.isCuttable ? endpointLine() : this.#endpoint
    // It resolves only when the requests have ended that went before; the fresh clients are there at once.
    this.#answering.renew({ endpoint, workerUrl }).catch((error: unknown) => announce(explainError(error).sentence))
    return faults
  }
}
