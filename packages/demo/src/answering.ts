/** Asks Edgeward for answers in the mode and with the wishes that the user chose. */
import {
  createClient,
  type Client,
  type ClientOptions,
  type DownloadProgress,
  type Plan,
  type Policy,
  type Preference,
  type Result,
  type TaskInput,
  type TaskName,
  type TaskOutput,
  type Trace,
} from 'edgeward'

export type Mode = 'automatic' | 'device' | 'remote'

export const models = {
  'feature-extraction': 'all-minilm-l6-v2',
  'image-to-text': 'pp-ocrv4',
} as const

/** The tasks of this page. */
export type DemoTask = keyof typeof models

/** What the user wants besides the mode. */
export interface Wishes {
  /** In the mode `automatic`. */
  readonly prefer: Preference
  /** Milliseconds; `Infinity`: however long it takes. */
  readonly deadlineMs: number
}

/** What the page hears of the clients. */
export interface Listeners {
  readonly onDownload: (progress: DownloadProgress) => void
  readonly onReady: () => void
  readonly onRequest: (trace: Trace) => void
}

interface Clients {
  readonly usual: Client
  readonly withoutDevice: Client
}

/** Owns the clients, the mode, the wishes, and the right to cancel everything that is pending. */
export class Answering {
  readonly endpoint: string | null
  mode: Mode = 'automatic'
  wishes: Wishes = { prefer: 'device', deadlineMs: Infinity }
  readonly #listeners: Listeners[] = []
  readonly #lastInputs = new Map<DemoTask, TaskInput<TaskName>>()
  #clients: Clients
  #cancelling = new AbortController()

  constructor(endpoint: string | null) {
    this.endpoint = endpoint
    this.#clients = this.#createClients()
  }

  /** @throws EdgewardError, or the `AbortError` of the signal or of {@link cancel} */
  ask<T extends DemoTask>(task: T, input: TaskInput<T>, signal: AbortSignal): Promise<Result<TaskOutput<T>>> {
    this.#lastInputs.set(task, input)
    const pipeline = this.#client.pipeline<T & TaskName>(task, models[task])
    return pipeline(input, { signal: AbortSignal.any([signal, this.#cancelling.signal]), policy: this.#policy })
  }

  /** The plan for the last request of a task, as it would be now. */
  explain(task: DemoTask): Promise<Plan> {
    return this.#client.explain(models[task], this.#lastInputs.get(task), { policy: this.#policy })
  }

  listen(listeners: Listeners): void {
    this.#listeners.push(listeners)
  }

  /** Ends everything that is pending, and the downloads that it waits for; what was stored of them stays. */
  cancel(): void {
    this.#cancelling.abort()
    this.#cancelling = new AbortController()
  }

  /** Takes a model off the device, as if this were the first visit; what was measured is kept. */
  async forget(task: DemoTask): Promise<void> {
    this.cancel()
    const { usual, withoutDevice } = this.#clients
    // Sessions would outlive the files, and a download would go on.
    this.#clients = this.#createClients()
    await Promise.all([usual.dispose(), withoutDevice.dispose()])
    await this.#clients.usual.models.remove(models[task])
    await this.#clients.usual.models.prune()
  }

  get #client(): Client {
    return this.mode === 'remote' ? this.#clients.withoutDevice : this.#clients.usual
  }

  get #policy(): Policy {
    const { prefer, deadlineMs } = this.wishes
    if (this.mode === 'device') return { residency: 'local-only', deadlineMs }
    return this.mode === 'automatic' ? { prefer, deadlineMs } : { deadlineMs }
  }

  #createClients(): Clients {
    const remote = this.endpoint === null ? {} : { remote: { protocol: 'oip', url: this.endpoint } as const }
    // Nothing starts before its first request: the second one costs nothing until the user asks for it.
    return { usual: this.#listenedTo(remote), withoutDevice: this.#listenedTo({ ...remote, device: false }) }
  }

  #listenedTo(options: ClientOptions): Client {
    const client = createClient(options)
    client.on('download', (progress) => this.#listeners.forEach(({ onDownload }) => onDownload(progress)))
    client.on('ready', () => this.#listeners.forEach(({ onReady }) => onReady()))
    client.on('request', (trace) => this.#listeners.forEach(({ onRequest }) => onRequest(trace)))
    return client
  }
}
