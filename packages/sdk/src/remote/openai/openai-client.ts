/** Speaks OpenAI's protocol to one endpoint. */
import type { EngineAnswer, EngineRequest, GenerationEvent, StreamRequest, TaskName } from '../../contract/index.js'
import { EdgewardError } from '../../errors/index.js'
import type { Endpoint } from '../endpoint.js'
import type { OnLoad } from '../load-report.js'
import type { OpenAiRemoteOptions } from '../options.js'

export class OpenAiClient {
  readonly #endpoint: Endpoint

  constructor(_options: OpenAiRemoteOptions, endpoint: Endpoint, _disposal: AbortSignal, _onLoad?: OnLoad) {
    this.#endpoint = endpoint
  }

  async run<T extends TaskName>({ task }: EngineRequest<T>, _signal: AbortSignal): Promise<EngineAnswer<T>> {
    throw new EdgewardError('UNSUPPORTED_TASK', `${this.#endpoint.url} does not answer requests of the task ${task}`)
  }

  // eslint-disable-next-line require-yield
  async *stream({ model }: StreamRequest, _signal: AbortSignal): AsyncGenerator<GenerationEvent, void> {
    throw new EdgewardError('UNSUPPORTED_TASK', `${this.#endpoint.url} does not write texts with ${model}`)
  }
}
