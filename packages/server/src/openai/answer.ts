/** Answers a request for text: every choice one after the other, whole or as a stream of server-sent events. */
import { Readable } from 'node:stream'
import type { GenerationEvent, GenerationRequest } from 'edgeward/generation'
import type { FastifyReply } from 'fastify'
import type { ServedLanguageModel, Turn } from '../models/served-language-model.js'
import { describeFailure } from '../serve/failure.js'
import { UsageCount, type ChoiceWriter } from './choices.js'

export interface Answering {
  readonly model: ServedLanguageModel
  /** One for each choice. */
  readonly requests: readonly GenerationRequest[]
  /** How many of them have the same prompt, one behind the other. */
  readonly answersPerPrompt: number
  writer(index: number): ChoiceWriter
  /** What every chunk, and the whole, have in common: id, created, model. */
  readonly head: object
  readonly object: { readonly whole: string; readonly chunk: string }
  /** Whether a stream's last chunk tells the usage. */
  readonly includeUsage: boolean
  /** Whether chunks and the whole tell the prompt's ids at their top, as vLLM's chats do. */
  readonly withPromptIds: boolean
  readonly signal: AbortSignal
  /** Says more of what a request failed with. */
  readonly explain: (thrown: unknown) => unknown
  /** Told of each event: a stream may take its time as long as something comes. */
  readonly onEvent: () => void
}

/** The answer in one piece. */
export async function answerWhole(answering: Answering): Promise<object> {
  const usage = new UsageCount()
  const writers = answering.requests.map((_, index) => answering.writer(index))
  let promptIds: readonly number[] | undefined
  const turn = await answering.model.acquire(answering.signal)
  try {
    for await (const { index, event } of events(answering, turn)) {
      writers[index]?.write(event)
      usage.hear(event, index % answering.answersPerPrompt === 0)
      if (event.type === 'start') promptIds ??= event.promptIds
    }
  } finally {
    turn.release()
  }
  const { head, object, withPromptIds } = answering
  const choices = writers.map((writer) => writer.whole())
  const ids = withPromptIds ? { prompt_token_ids: promptIds ?? null } : {}
  return { ...head, object: object.whole, choices, usage, ...ids }
}

/**
 * The answer as a stream. What goes wrong before its first event is thrown; what goes wrong later is told in the stream, which
 * then ends without `[DONE]`.
 */
export async function answerStream(answering: Answering, reply: FastifyReply): Promise<FastifyReply> {
  const turn = await answering.model.acquire(answering.signal)
  const chunks = sse(answering, turn)
  const first = await chunks.next().catch((thrown: unknown) => {
    turn.release()
    throw thrown
  })
  const body = Readable.from(told(first, chunks, answering, reply), { objectMode: false, highWaterMark: 1 })
  body.once('close', () => turn.release())
  return (
    reply
      .header('Content-Type', 'text/event-stream; charset=utf-8')
      .header('Cache-Control', 'no-cache')
      // Proxies would hold the stream back until it is whole.
      .header('X-Accel-Buffering', 'no')
      .send(body)
  )
}

async function* told(
  first: IteratorResult<string, void>,
  rest: AsyncGenerator<string, void>,
  { signal, model }: Answering,
  reply: FastifyReply,
): AsyncGenerator<string> {
  try {
    if (first.done !== true) yield first.value
    yield* rest
  } catch (thrown) {
    // Nobody is there any more to be told.
    if (reply.raw.destroyed) return
    const { status, ...failure } = describeFailure(thrown, { model: model.name, requestId: reply.request.id })
    if (status >= 500 && !signal.aborted) reply.log.error({ err: thrown }, 'the stream failed')
    yield `data: ${JSON.stringify({ error: failure })}\n\n`
  }
}

async function* sse(answering: Answering, turn: Turn): AsyncGenerator<string, void> {
  const { head, object, includeUsage, withPromptIds, answersPerPrompt } = answering
  const usage = new UsageCount()
  const noUsage = includeUsage ? { usage: null } : {}
  const writers = answering.requests.map((_, index) => answering.writer(index))
  for await (const { index, event } of events(answering, turn)) {
    usage.hear(event, index % answersPerPrompt === 0)
    const ids = withPromptIds && event.type === 'start' ? { prompt_token_ids: event.promptIds ?? null } : {}
    for (const choice of writers[index]?.write(event) ?? []) {
      yield line({ ...head, object: object.chunk, choices: [choice], ...noUsage, ...ids })
    }
  }
  if (includeUsage) yield line({ ...head, object: object.chunk, choices: [], usage })
  yield 'data: [DONE]\n\n'
}

/** Choice after choice: each is one text in the making, however many were asked for. */
async function* events(
  { requests, signal, explain, onEvent }: Answering,
  turn: Turn,
): AsyncGenerator<{ readonly index: number; readonly event: GenerationEvent }> {
  try {
    for (const [index, request] of requests.entries()) {
      for await (const event of turn.generate(request, signal)) {
        onEvent()
        yield { index, event }
      }
    }
  } catch (thrown) {
    throw explain(thrown)
  }
}

function line(chunk: object): string {
  return `data: ${JSON.stringify(chunk)}\n\n`
}
