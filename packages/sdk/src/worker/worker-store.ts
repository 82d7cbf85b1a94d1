/** The worker's weights store: opened when it is first needed, as the page has configured it. */
import { askToken, type ConfigurePayload } from '../transport/index.js'
import { Network, openWeightsStore, type WeightsStore } from '../weights/index.js'

export class WorkerStore {
  #settings: Parameters<typeof openWeightsStore>[0]
  #network = new Network()
  #store: Promise<WeightsStore> | undefined

  get network(): Network {
    return this.#network
  }

  /** Comes before the store is opened. */
  configure({ huggingFace: hub, ...settings }: ConfigurePayload): void {
    this.#settings = settings
    if (!hub) return
    const { baseUrl, tokenPort } = hub
    this.#network = new Network({ baseUrl, ...(tokenPort && { token: askToken(tokenPort) }) })
  }

  open(): Promise<WeightsStore> {
    this.#store ??= openWeightsStore(this.#settings, this.#network)
    return this.#store
  }

  /** Resolves with how many databases are still open then. */
  async close(): Promise<number> {
    const opened = await this.#store
    this.#store = undefined
    if (opened === undefined) return 0
    return opened.close().then(
      () => 0,
      () => 1,
    )
  }
}
