/** The routes of OpenAI's API (https://platform.openai.com/docs/api-reference), as vLLM and llama.cpp serve them too. */
import { randomUUID } from 'node:crypto'
import { EdgewardError } from 'edgeward'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ModelStore } from '../models/model-store.js'
import type { Served } from '../models/served.js'
import { addRoute } from '../serve/add-route.js'
import { watchRequest, type RequestWatch } from '../serve/request-signal.js'
import { answerStream, answerWhole, type Answering } from './answer.js'
import { namedField } from './answer-format.js'
import { ChatChoice } from './chat-choice.js'
import { chatRequests, hasTools, readChatBody } from './chat-request.js'
import { CompletionChoice } from './completion-choice.js'
import { completionRequests, readCompletionBody } from './completion-request.js'
import { answerEmbeddings, readEmbeddingBody } from './embeddings.js'

export interface OpenAiRouteOptions {
  readonly requestTimeLimitMs: number
  /** Whether the endpoint takes requests and knows of no end. */
  readonly takesRequests: () => boolean
  /** Aborts when the time to finish what is running is over. */
  readonly shutdownSignal: AbortSignal
}

/** Adds `/v1`. Its models are those that generate text or make vectors of texts. */
export function addOpenAiRoutes(app: FastifyInstance, store: ModelStore, options: OpenAiRouteOptions): void {
  const watch = (reply: FastifyReply) => {
    closeBehind(reply, options.takesRequests)
    return watchRequest(reply, { endpointMs: options.requestTimeLimitMs, requestMs: undefined }, options.shutdownSignal)
  }
  addModelList(app, store)
  addRoute(app, 'POST', '/v1/chat/completions', (request, reply) => answerChat(request, reply, store, watch(reply)))
  addRoute(app, 'POST', '/v1/completions', (request, reply) => answerCompletion(request, reply, store, watch(reply)))
  addRoute(app, 'POST', '/v1/embeddings', async (request, reply) => {
    const body = readEmbeddingBody(request.body)
    const model = named(body.model, 'make vectors of texts', (name) => store.embeddingModel(name), store)
    request.servedModel = model.graph
    return answerEmbeddings(body, model, watch(reply).signal)
  })
}

/**
 * A stream that began before a shutdown has told its client that the connection stays: it is ended behind the stream, since the
 * endpoint would wait for it.
 */
function closeBehind({ raw, request }: FastifyReply, takesRequests: () => boolean): void {
  raw.once('finish', () => {
    if (!takesRequests()) request.raw.socket.end()
  })
}

function addModelList(app: FastifyInstance, store: ModelStore): void {
  const created = seconds()
  const entry = (id: string) => {
    const length = store.languageModel(id)?.config.contextLength
    return {
      id,
      object: 'model',
      created,
      owned_by: 'edgeward',
      ...(length !== undefined && { max_model_len: length }),
    }
  }
  addRoute(app, 'GET', '/v1/models', async () => ({ object: 'list', data: store.openAiModels().map(entry) }))
  addRoute(app, 'GET', '/v1/models/:id', async ({ params }) => {
    // The route has this one parameter.
    const { id } = params as { readonly id: string }
    if (store.openAiModels().includes(id)) return entry(id)
    throw unknownModel(id)
  })
}

async function answerChat(request: FastifyRequest, reply: FastifyReply, store: ModelStore, watch: RequestWatch) {
  const body = readChatBody(request.body)
  const model = languageModel(request, body.model, store)
  const requests = chatRequests(body, model.config.contextLength)
  const prefix = requests[0]?.resume?.text ?? ''
  const shared = { hasTools: hasTools(body), withTokenIds: body.return_token_ids ?? false, prefix }
  return answer(reply, body.stream ?? false, watch, {
    model,
    requests,
    answersPerPrompt: requests.length,
    writer: (index) => new ChatChoice({ index, ...shared }),
    head: { id: `chatcmpl-${randomUUID()}`, created: seconds(), model: body.model },
    object: { whole: 'chat.completion', chunk: 'chat.completion.chunk' },
    includeUsage: body.stream_options?.include_usage ?? false,
    withPromptIds: shared.withTokenIds,
    explain: (thrown) => namedField(thrown, body),
  })
}

async function answerCompletion(request: FastifyRequest, reply: FastifyReply, store: ModelStore, watch: RequestWatch) {
  const body = readCompletionBody(request.body)
  const model = languageModel(request, body.model, store)
  return answer(reply, body.stream ?? false, watch, {
    model,
    requests: completionRequests(body),
    answersPerPrompt: body.n ?? 1,
    writer: (index) => new CompletionChoice(index, body.return_token_ids ?? false),
    head: { id: `cmpl-${randomUUID()}`, created: seconds(), model: body.model },
    object: { whole: 'text_completion', chunk: 'text_completion' },
    includeUsage: body.stream_options?.include_usage ?? false,
    // Each choice of a completion has its own.
    withPromptIds: false,
    explain: (thrown) => namedField(thrown, body),
  })
}

/** A stream may take its time as long as something comes; a whole answer has one time for all. */
function answer(
  reply: FastifyReply,
  streams: boolean,
  { signal, restart }: RequestWatch,
  answering: Omit<Answering, 'signal' | 'onEvent'>,
): Promise<object> {
  if (streams) return answerStream({ ...answering, signal, onEvent: restart }, reply)
  return answerWhole({ ...answering, signal, onEvent: () => undefined })
}

function languageModel(request: FastifyRequest, name: string, store: ModelStore) {
  const model = named(name, 'generate text', (candidate) => store.languageModel(candidate), store)
  request.servedModel = model
  return model
}

/** The model that a request names; one that is here and cannot do it is told apart from one that is not here. */
function named<T>(name: string, what: string, find: (name: string) => T | undefined, store: ModelStore): T {
  const model = find(name)
  if (model !== undefined) return model
  const other: Served | undefined = store.get(name)
  if (other === undefined) throw unknownModel(name)
  throw new EdgewardError('UNSUPPORTED_TASK', `model "${name}" does not ${what}`, { details: { param: 'model' } })
}

function unknownModel(name: string): EdgewardError {
  return new EdgewardError('REMOTE_NOT_FOUND', `there is no model "${name}" here; GET /v1/models lists them`)
}

/** The time now, as OpenAI writes it. */
function seconds(): number {
  return Math.floor(Date.now() / 1000)
}
