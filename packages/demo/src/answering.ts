/** Asks Edgeward for answers in the mode and with the wishes that the user chose. */
import {
  createClient,
  type Client,
  type ClientOptions,
  type DownloadProgress,
  type EdgewardEvents,
  type GenerateRequest,
  type GenerationOutput,
  type GenerationPart,
  type Plan,
  type Policy,
  type Preference,
  type RemoteOptions,
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
  'text-generation': 'smollm2-135m-instruct',
} as const

/** The tasks of this page. */
export type DemoTask = keyof typeof models

/** An answer while it is written. */
export interface Writing {
  /** Read once; who stops reading ends it. */
  readonly parts: AsyncIterable<GenerationPart>
  readonly result: Promise<Result<GenerationOutput>>
}

/** What the user wants besides the mode. */
export interface Wishes {
  /** In the mode `automatic`. */
  readonly prefer: Preference
  /** Milliseconds; `Infinity`: however long it takes. */
  readonly deadlineMs: number
}

/** What the clients tell of their own accord. */
export type News = {
  [N in (typeof newsNames)[number]]: { readonly name: N; readonly event: EdgewardEvents[N] }
}[(typeof newsNames)[number]]

const newsNames = ['health', 'storage', 'placement'] as const

/** What the page hears of the clients. */
export interface Listeners {
  readonly onDownload: (progress: DownloadProgress) => void
  readonly onReady: () => void
  readonly onRequest: (trace: Trace) => void
  readonly onNews?: (news: News) => void
}

/** What the clients reach, and by what address. */
export interface Reach {
  readonly endpoint: string | null
  /** Where the SDK's worker is, when it is not where the bundler has put it. */
  readonly workerUrl?: string
}

interface Clients {
  readonly usual: Client
  readonly withoutDevice: Client
}

/** Owns the clients, the mode, the wishes, and the right to cancel everything that is pending. */
export class Answering {
  mode: Mode = 'automatic'
  wishes: Wishes = { prefer: 'device', deadlineMs: Infinity }
  readonly #listeners: Listeners[] = []
  readonly #lastInputs = new Map<DemoTask, TaskInput<TaskName>>()
  readonly #asked = new Set<Promise<unknown>>()
  #reach: Reach
  #clients: Clients
  #cancelling = new AbortController()

  constructor(endpoint: string | null) {
    this.#reach = { endpoint }
    this.#clients = this.#createClients()
  }

  /** @throws EdgewardError, or the `AbortError` of the signal or of {@link cancel} */
  ask<T extends DemoTask>(task: T, input: TaskInput<T>, signal: AbortSignal): Promise<Result<TaskOutput<T>>> {
    this.#lastInputs.set(task, input)
    const pipeline = this.#client.pipeline<T & TaskName>(task, models[task])
    return this.#remember(pipeline(input, { signal: this.#cancellable(signal), policy: this.#policy }))
  }

  /** As {@link ask}, for a text that is read while it is written. */
  write(request: Omit<GenerateRequest, 'policy'> & TaskInput<'text-generation'>, signal: AbortSignal): Writing {
    this.#lastInputs.set('text-generation', request)
    const options = { signal: this.#cancellable(signal), policy: this.#policy }
    const answer = this.#client.generate(models['text-generation'], { ...request, ...options })
    // Its reader comes first: without one, who asks for the result reads it.
    const parts = answer[Symbol.asyncIterator]()
    return { parts, result: this.#remember(answer.result) }
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
    await this.renew()
    await this.#clients.usual.models.remove(models[task])
    await this.#clients.usual.models.prune()
  }

  /** As {@link forget}, but what is asked meanwhile is answered. */
  async discard(task: DemoTask): Promise<void> {
    const renewed = this.renew()
    // Before the fresh client loads it.
    await this.#clients.usual.models.remove(models[task])
    await renewed
    await this.#clients.usual.models.prune()
  }

  /** Goes on with fresh clients, which have nothing in memory; those before still answer what they were asked. */
  async renew(reach: Reach = this.#reach): Promise<void> {
    const { usual, withoutDevice } = this.#clients
    const asked = [...this.#asked]
    this.#reach = reach
    // Sessions would outlive the files, and a download would go on.
    this.#clients = this.#createClients()
    await Promise.allSettled(asked)
    await Promise.all([usual.dispose(), withoutDevice.dispose()])
  }

  #cancellable(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.#cancelling.signal])
  }

  /** Clients live until what they were asked has settled. */
  #remember<T>(answer: Promise<T>): Promise<T> {
    this.#asked.add(answer)
    const settled = () => this.#asked.delete(answer)
    answer.then(settled, settled)
    return answer
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
    const { endpoint, ...place } = this.#reach
    const options = { ...place, ...(endpoint !== null && { remote: protocolsOf(endpoint) }) }
    // Nothing starts before its first request: the second one costs nothing until the user asks for it.
    return { usual: this.#listenedTo(options), withoutDevice: this.#listenedTo({ ...options, device: false }) }
  }

  #listenedTo(options: ClientOptions): Client {
    const client = createClient(options)
    // What those before tell while they end is of no interest any more.
    const isCurrent = () => client === this.#clients.usual || client === this.#clients.withoutDevice
    const tell = (hear: (listeners: Listeners) => void) => {
      if (isCurrent()) this.#listeners.forEach(hear)
    }
    client.on('download', (progress) => tell(({ onDownload }) => onDownload(progress)))
    client.on('ready', () => tell(({ onReady }) => onReady()))
    client.on('request', (trace) => this.#listeners.forEach(({ onRequest }) => onRequest(trace)))
    for (const name of newsNames) {
      // The compiler does not follow that the event is that of the name.
      client.on(name, (event) => tell(({ onNews }) => onNews?.({ name, event } as News)))
    }
    return client
  }
}

/** Edgeward's endpoint speaks two: texts are generated by the one, all else is by the other. */
function protocolsOf(endpoint: string): readonly RemoteOptions[] {
  const chat = models['text-generation']
  const url = `${endpoint.replace(/\/$/, '')}/v1`
  return [
    { protocol: 'oip', url: endpoint },
    { protocol: 'openai', url, server: 'edgeward', models: { [chat]: chat } },
  ]
}
