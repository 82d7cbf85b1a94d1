/** The engine that answers requests at an endpoint that speaks OpenAI's protocol. */
import type {
  EngineAnswer,
  EngineRequest,
  GenerationEvent,
  Placement,
  StreamRequest,
  TaskName,
} from '../../contract/index.js'
import { EdgewardError, isEdgewardError } from '../../errors/index.js'
import { isSuccess } from '../answer-error.js'
import { Endpoint } from '../endpoint.js'
import type { OnLoad } from '../load-report.js'
import type { OpenAiRemoteOptions } from '../options.js'
import type { RemoteEngine } from '../remote-engine.js'
import type { OpenAiClient } from './openai-client.js'

/** What servers say that want credentials first, or do not have the address. */
const silentAbout: readonly number[] = [401, 403, 404, 405, 501]

/**
 * Makes the engine of one endpoint for the tasks text-generation and feature-extraction. What speaks the protocol is loaded
 * with the first request.
 *
 * @param onLoad - hears of the endpoint's load; without it, or with `loadReports: false`, the endpoint is not asked
 * @throws EdgewardError `INVALID_OPTION` for an address that cannot be used
 */
export function createOpenAiEngine(options: OpenAiRemoteOptions, onLoad?: OnLoad): RemoteEngine {
  return new OpenAiEngine(options, onLoad)
}

class OpenAiEngine implements RemoteEngine {
  readonly kind = 'remote'
  readonly placement: Extract<Placement, { engine: 'remote' }>
  readonly #options: OpenAiRemoteOptions
  readonly #endpoint: Endpoint
  readonly #onLoad: OnLoad | undefined
  readonly #disposal = new AbortController()
  #client: Promise<OpenAiClient> | undefined

  constructor(options: OpenAiRemoteOptions, onLoad?: OnLoad) {
    this.#options = options
    this.#onLoad = onLoad
    this.#endpoint = new Endpoint(options)
    this.placement = { engine: 'remote', endpoint: this.#endpoint.url }
  }

  /** The endpoint keeps its own models ready. */
  prepare(): Promise<void> {
    return Promise.resolve()
  }

  async isReady(): Promise<boolean> {
    try {
      const answer = await this.#endpoint.request({ method: 'GET', path: '/models' }, this.#disposal.signal)
      return isSuccess(answer) || silentAbout.includes(answer.status)
    } catch (error) {
      if (isEdgewardError(error) && error.details['reason'] === 'cors') return true
      throw error
    }
  }

  async run<T extends TaskName>(
    _placement: Placement,
    request: EngineRequest<T>,
    signal: AbortSignal,
  ): Promise<EngineAnswer<T>> {
    const either = AbortSignal.any([signal, this.#disposal.signal])
    either.throwIfAborted()
    return (await this.#load()).run(request, either)
  }

  /** The endpoint is asked when somebody reads. */
  stream(_placement: Placement, request: StreamRequest, signal: AbortSignal): ReadableStream<GenerationEvent> {
    const ending = new AbortController()
    const any = AbortSignal.any([signal, this.#disposal.signal, ending.signal])
    let events: AsyncGenerator<GenerationEvent, void> | undefined
    return new ReadableStream<GenerationEvent>(
      {
        pull: async (controller) => {
          any.throwIfAborted()
          events ??= (await this.#load()).stream(request, any)
          const next = await events.next()
          if (next.done) controller.close()
          else controller.enqueue(next.value)
        },
        cancel: (reason) => ending.abort(reason),
      },
      { highWaterMark: 0 },
    )
  }

  dispose(): Promise<void> {
    this.#disposal.abort(new EdgewardError('DISPOSED', 'the client was disposed of while the endpoint was asked'))
    return Promise.resolve()
  }

  #load(): Promise<OpenAiClient> {
    const { signal } = this.#disposal
    this.#client ??= import('./openai-client.js').then(
      ({ OpenAiClient }) => new OpenAiClient(this.#options, this.#endpoint, signal, this.#onLoad),
    )
    return this.#client
  }
}
