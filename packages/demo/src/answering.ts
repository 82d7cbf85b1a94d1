/** Asks Edgeward for answers in the mode that the user chose: two clients, one policy each. */
import {
  createClient,
  type Client,
  type DownloadProgress,
  type Plan,
  type Policy,
  type Result,
  type TaskInput,
  type TaskName,
  type TaskOutput,
} from 'edgeward'

export type Mode = 'automatic' | 'device' | 'remote'

export const models = {
  'feature-extraction': 'all-minilm-l6-v2',
  'image-to-text': 'pp-ocrv4',
} as const

/** The tasks of this page. */
export type DemoTask = keyof typeof models

const policies: { readonly [M in Mode]: Policy } = {
  automatic: {},
  device: { residency: 'local-only' },
  remote: {},
}

/** Owns the clients, the mode, and the right to cancel everything that is pending. */
export class Answering {
  readonly endpoint: string | null
  mode: Mode = 'automatic'
  readonly #client: Client
  readonly #withoutDevice: Client
  #cancelling = new AbortController()

  constructor(endpoint: string | null) {
    this.endpoint = endpoint
    const remote = endpoint === null ? {} : { remote: { protocol: 'oip', url: endpoint } as const }
    this.#client = createClient(remote)
    // Nothing starts before its first request: this one costs nothing until the user asks for it.
    this.#withoutDevice = createClient({ ...remote, device: false })
  }

  /** @throws EdgewardError, or the `AbortError` of the signal or of {@link cancel} */
  ask<T extends DemoTask>(task: T, input: TaskInput<T>, signal: AbortSignal): Promise<Result<TaskOutput<T>>> {
    const pipeline = this.#clientFor(this.mode).pipeline<T & TaskName>(task, models[task])
    const options = { signal: AbortSignal.any([signal, this.#cancelling.signal]), policy: policies[this.mode] }
    return pipeline(input, options)
  }

  explain(task: DemoTask): Promise<Plan> {
    return this.#clientFor(this.mode).explain(models[task], undefined, { policy: policies[this.mode] })
  }

  onDownload(listener: (progress: DownloadProgress) => void): void {
    this.#client.on('download', listener)
  }

  onReady(listener: () => void): void {
    this.#client.on('ready', listener)
  }

  /** Ends everything that is pending, downloads included; what was stored of them stays. */
  cancel(): void {
    this.#cancelling.abort()
    this.#cancelling = new AbortController()
  }

  #clientFor(mode: Mode): Client {
    return mode === 'remote' ? this.#withoutDevice : this.#client
  }
}
