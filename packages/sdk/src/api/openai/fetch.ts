/** A `fetch` that answers OpenAI's requests from the router, so that its clients work unchanged. */
import { EdgewardError, toEdgewardError, type ErrorCode } from '../../errors/index.js'
import type { Client } from '../client-surface.js'
import { createChatCompletion, createCompletion, createEmbeddings } from './create.js'
import type { ChatCompletionBody, CompletionBody, EmbeddingsBody } from './types.js'

type Answered = Pick<Client, 'generate' | 'pipeline' | 'models'>

/** @returns what OpenAI's server would answer; errors too, but for the caller's abort, which rejects */
export async function answerFetch(client: Answered, input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const request = new Request(input, init)
  // In Node, a request's own signal stops following the caller's once the request is garbage.
  const signal = init?.signal ?? request.signal
  try {
    return await answer(client, request, signal)
  } catch (thrown) {
    if (signal.aborted) throw signal.reason
    return errorResponse(toEdgewardError(thrown, 'INTERNAL', 'An unexpected error'))
  }
}

async function answer(client: Answered, request: Request, signal: AbortSignal): Promise<Response> {
  const { pathname } = new URL(request.url)
  const path = /\/v1(\/.*?)\/?$/.exec(pathname)?.[1] ?? pathname
  if (request.method === 'GET' && path.startsWith('/models')) return models(client, path)
  const leaving = new AbortController()
  const asked = { signal: AbortSignal.any([signal, leaving.signal]) }
  switch (request.method === 'POST' ? path : '') {
    case '/chat/completions':
      return respond(
        await createChatCompletion(client, await bodyOf<ChatCompletionBody>(request), asked),
        asked,
        leaving,
      )
    case '/completions':
      return respond(await createCompletion(client, await bodyOf<CompletionBody>(request), asked), asked, leaving)
    case '/embeddings':
      return respond(await createEmbeddings(client, await bodyOf<EmbeddingsBody>(request), asked), asked, leaving)
    default:
      throw notThere(
        `${request.method} ${pathname} is not answered here; POST /v1/chat/completions, /v1/completions and /v1/embeddings, and GET /v1/models are.`,
      )
  }
}

/** What is in this browser's cache; others can be asked for by their names too. */
async function models({ models: cache }: Answered, path: string): Promise<Response> {
  const data = (await cache.list()).map(({ id }) => ({ id, object: 'model', created: 0, owned_by: 'edgeward' }))
  if (path === '/models') return Response.json({ object: 'list', data })
  const id = decodeURIComponent(path.slice('/models/'.length))
  const found = data.find((model) => model.id === id)
  if (found === undefined) throw notThere(`The model ${JSON.stringify(id)} is not in the cache.`)
  return Response.json(found)
}

async function bodyOf<T>(request: Request): Promise<T> {
  try {
    const body: unknown = await request.json()
    // Its fields are checked where they are read.
    if (typeof body === 'object' && body !== null) return body as T
  } catch (cause) {
    throw new EdgewardError('INVALID_INPUT', 'The request’s body is no JSON.', { cause })
  }
  throw new EdgewardError('INVALID_INPUT', 'The request’s body must be a JSON object.')
}

/** @param leaving - is aborted when nobody reads the answer any more */
async function respond(answered: object, { signal }: Aborted, leaving: AbortController): Promise<Response> {
  if (!(Symbol.asyncIterator in answered)) return Response.json(answered)
  const chunks = (answered as AsyncIterable<object>)[Symbol.asyncIterator]()
  // What fails before there is anything of the answer is told by the status.
  const first = await chunks.next()
  const body = eventStream({ chunks, first, signal, leave: () => leaving.abort() })
  return new Response(body, { headers: { 'content-type': 'text/event-stream; charset=utf-8' } })
}

interface Aborted {
  readonly signal: AbortSignal
}

interface Chunks extends Aborted {
  readonly chunks: AsyncIterator<object>
  readonly first: IteratorResult<object>
  /** Ends what is waited for; a generator by itself ends only when that has come. */
  leave(): void
}

/** Server-sent events; nothing is generated that nobody reads. */
function eventStream({ chunks, first, signal, leave }: Chunks): ReadableStream<Uint8Array> {
  const utf8 = new TextEncoder()
  const encode = (data: string) => utf8.encode(`data: ${data}\n\n`)
  let begun: IteratorResult<object> | undefined = first
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const next = begun ?? (await chunks.next())
          begun = undefined
          controller.enqueue(encode(next.done ? '[DONE]' : JSON.stringify(next.value)))
          if (next.done) controller.close()
        } catch (thrown) {
          // An abort errors the body, as a real fetch does.
          if (signal.aborted) throw signal.reason
          // A stream that has begun tells its failure in itself, as OpenAI's servers do.
          const error = toEdgewardError(thrown, 'INTERNAL', 'The answer broke off')
          controller.enqueue(encode(JSON.stringify(errorBody(error))))
          controller.close()
        }
      },
      async cancel() {
        leave()
        await chunks.return?.()
      },
    },
    { highWaterMark: 0 },
  )
}

/** What of the codes is the caller's fault, or passes; everything else is 500. */
const statusOfCode: { readonly [C in ErrorCode]?: number } = {
  INVALID_INPUT: 400,
  INVALID_OPTION: 400,
  UNSUPPORTED_TASK: 400,
  CONTEXT_OVERFLOW: 400,
  MODEL_UNSUPPORTED: 400,
  MANIFEST_NOT_FOUND: 404,
  NOT_CACHED: 404,
  DEADLINE_EXCEEDED: 408,
  QUEUE_FULL: 429,
  REMOTE_OVERLOADED: 503,
  NO_PLACEMENT: 503,
  ALL_PLACEMENTS_FAILED: 503,
}

function errorResponse(error: EdgewardError): Response {
  const status = error.details['status'] === 404 ? 404 : (statusOfCode[error.code] ?? 500)
  // OpenAI's client asks again by itself; the router has tried what there was.
  return Response.json(errorBody(error), { status, headers: { 'x-should-retry': 'false' } })
}

function errorBody(error: EdgewardError): object {
  const { code, message, details } = error
  const type = (statusOfCode[code] ?? 500) < 500 ? 'invalid_request_error' : 'server_error'
  return { error: { message, type, param: details['param'] ?? null, code } }
}

function notThere(message: string): EdgewardError {
  return new EdgewardError('INVALID_INPUT', message, { details: { status: 404 } })
}
