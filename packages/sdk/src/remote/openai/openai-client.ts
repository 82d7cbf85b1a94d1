/** Speaks OpenAI's protocol to one endpoint. */
import type {
  EngineAnswer,
  EngineRequest,
  GenerationEvent,
  StreamRequest,
  TaskName,
  TextFormat,
} from '../../contract/index.js'
import { EdgewardError } from '../../errors/index.js'
import { abortable } from '../../shared/index.js'
import { isSuccess } from '../answer-error.js'
import { nameAtEndpoint } from '../can-answer.js'
import type { Endpoint, EndpointStream } from '../endpoint.js'
import { loadFormatHeader, readLoadReport, type OnLoad } from '../load-report.js'
import { remoteDefaults, type OpenAiRemoteOptions } from '../options.js'
import { Answer } from './answer.js'
import { checkIsStream, eventError, refusal } from './answer-failures.js'
import { readChunk } from './chunk.js'
import { collect } from './collect.js'
import { findWay } from './continuation.js'
import { embed } from './embeddings.js'
import { Manners, type Manner } from './manner.js'
import { Probes } from './probes.js'
import { readEvents } from './read-events.js'
import { openAiRequest, tokensLeft } from './request-body.js'
import { Seam } from './seam.js'
import { serverOf } from './server.js'
import type { Way } from './way.js'

export class OpenAiClient {
  readonly #options: OpenAiRemoteOptions
  readonly #endpoint: Endpoint
  readonly #disposal: AbortSignal
  readonly #onLoad: OnLoad | undefined
  readonly #probes: Probes
  #manners: Promise<Manners> | undefined

  /** @param disposal - aborts when the engine ends */
  constructor(options: OpenAiRemoteOptions, endpoint: Endpoint, disposal: AbortSignal, onLoad?: OnLoad) {
    this.#options = options
    this.#endpoint = endpoint
    this.#disposal = disposal
    this.#onLoad = onLoad
    this.#probes = new Probes((request, way, signal) => this.#write(request, way, signal))
  }

  async run<T extends TaskName>(request: EngineRequest<T>, signal: AbortSignal): Promise<EngineAnswer<T>> {
    // The compiler does not narrow T by a value of it; the task's name decides which types these are.
    if (request.task === 'text-generation') {
      const events = this.stream(request as unknown as StreamRequest, signal)
      return (await collect(events, this.#endpoint.url)) as EngineAnswer as EngineAnswer<T>
    }
    if (request.task === 'feature-extraction') {
      const { input, deadlineAt, model } = request as unknown as EngineRequest<'feature-extraction'>
      const asked = { model: this.#nameOf(model), texts: typeof input === 'string' ? [input] : input, deadlineAt }
      return (await embed(this.#endpoint, asked, signal)) as EngineAnswer as EngineAnswer<T>
    }
    throw new EdgewardError(
      'UNSUPPORTED_TASK',
      `${this.#endpoint.url} does not answer requests of the task ${request.task}`,
    )
  }

  /** One answer. The connection ends with it, with the signal, and when nobody reads any more. */
  async *stream(request: StreamRequest, signal: AbortSignal): AsyncGenerator<GenerationEvent, void> {
    const format = formatOf(request)
    if ((tokensLeft(request) ?? 1) <= 0) return yield* nothingLeft(format)
    const { continuation: allowed } = this.#options
    const server = (await this.#server(signal)).first().server
    const probes = this.#probes.of(this.#nameOf(request.model), server, signal)
    const way = await findWay(request, probes, { url: this.#endpoint.url, format, allowed })
    yield* this.#write(request, way, signal)
  }

  async *#write(request: StreamRequest, way: Way, signal: AbortSignal): AsyncGenerator<GenerationEvent, void> {
    const ending = new AbortController()
    const answer = this.#answerTo(request, way)
    try {
      const stream = await this.#ask(request, way, AbortSignal.any([signal, ending.signal]))
      yield* this.#read(stream, answer)
    } finally {
      ending.abort()
    }
  }

  /** What goes wrong behind an answer's end takes nothing from it. */
  async *#read(stream: EndpointStream, answer: Answer): AsyncGenerator<GenerationEvent, void> {
    const { url } = stream
    const events = readEvents(stream)
    let isDone = false
    for (;;) {
      const next = await events.next().catch((error: unknown) => {
        if (answer.isFinished && !isMalformed(error)) return undefined
        throw error
      })
      if (next === undefined || next.done) {
        isDone = next?.value ?? false
        break
      }
      const failure = eventError(next.value, url)
      if (failure) throw failure
      yield* answer.push(readChunk(next.value))
      if (answer.isStopped) break
    }
    yield* answer.end(isDone)
  }

  #answerTo(request: StreamRequest, way: Way): Answer {
    const { resume, options } = request
    const { url } = this.#endpoint
    const format = way.by === 'prompt' ? formatOf(request) : {}
    if (!resume) return new Answer({ url, format })
    const sent = way.by === 'message' ? way.text : resume.text
    const seam = new Seam({ url, resume, stop: options.stop, sent })
    return new Answer({ url, format, seam, usedTokens: resume.usedTokens })
  }

  async #ask(request: StreamRequest, way: Way, signal: AbortSignal): Promise<EndpointStream> {
    const manners = await this.#server(signal)
    for (let manner = manners.first(); ;) {
      try {
        const stream = await this.#open(request, way, manner, signal)
        manners.worked(manner)
        return stream
      } catch (error) {
        const instead = manners.instead(manner, error)
        if (instead === undefined) throw error
        manner = instead
      }
    }
  }

  async #open(request: StreamRequest, way: Way, manner: Manner, signal: AbortSignal): Promise<EndpointStream> {
    const { path, body } = openAiRequest(request, this.#nameOf(request.model), way, manner)
    const { deadlineAt } = request
    const stream = await this.#endpoint.stream(
      {
        method: 'POST',
        path,
        body: JSON.stringify(body),
        headers: { 'Content-Type': 'application/json', ...(manner.asksLoad && { [loadFormatHeader]: 'json' }) },
        ...(deadlineAt !== undefined && { deadlineAt }),
      },
      this.#options.stallMs ?? remoteDefaults.stallMs,
      signal,
    )
    const load = this.#onLoad && readLoadReport(stream.headers)
    if (load) this.#onLoad?.(this.#endpoint.url, load)
    await checkIsStream(stream)
    return stream
  }

  #nameOf(model: string): string {
    const name = nameAtEndpoint(this.#options, model)
    if (name !== undefined) return name
    throw new EdgewardError('REMOTE_NOT_FOUND', `'${model}' is none of remote.models of ${this.#endpoint.url}`, {
      details: { url: this.#endpoint.url, model },
    })
  }

  /** Which software it is, asked once; what keeps it from being asked keeps the request from being answered, too. */
  #server(signal: AbortSignal): Promise<Manners> {
    const { server, loadReports = remoteDefaults.loadReports } = this.#options
    const asksLoad = loadReports && this.#onLoad !== undefined
    this.#manners ??= (server ? Promise.resolve(server) : this.#askServer()).then((name) => new Manners(name, asksLoad))
    this.#manners.catch(() => (this.#manners = undefined))
    return abortable(this.#manners, signal)
  }

  async #askServer() {
    const answer = await this.#endpoint.request({ method: 'GET', path: '/models' }, this.#disposal)
    if (isSuccess(answer)) return serverOf(answer)
    const error = refusal(answer)
    // One that is starting, or has too much to do, says later what it is.
    if (error.code === 'REMOTE_OVERLOADED') throw error
    return 'other'
  }
}

function isMalformed(error: unknown): boolean {
  return error instanceof EdgewardError && error.code === 'REMOTE_MALFORMED'
}

/** A manifest of a language model says so in its `config`. */
function formatOf({ manifest }: StreamRequest): TextFormat {
  const format = manifest?.config['format']
  return typeof format === 'object' && format !== null ? format : {}
}

function* nothingLeft(format: TextFormat): Generator<GenerationEvent, void> {
  yield { type: 'start', format }
  yield { type: 'finish', reason: 'length', usage: { completionTokens: 0 }, timings: { inferenceMs: 0 } }
}
