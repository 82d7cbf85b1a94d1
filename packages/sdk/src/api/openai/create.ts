/** Answers requests in OpenAI's shape from the router: whole, or piece by piece. */
import type { Result, TaskOutput } from '../../contract/index.js'
import type { Client } from '../client-surface.js'
import type { GenerationStream } from '../generation-stream.js'
import type { RequestOptions } from '../options.js'
import { chatRequestOf, completionRequestOf, wrong } from './read-body.js'
import type {
  ChatCompletion,
  ChatCompletionBody,
  ChatCompletionChunk,
  Completion,
  CompletionBody,
  EmbeddingsAnswer,
  EmbeddingsBody,
} from './types.js'
import {
  chatChunk,
  chatCompletion,
  completion,
  firstChunk,
  newHead,
  textChunk,
  usageOf,
  type Head,
} from './write-answer.js'

/** What of the client answers. */
export type Answering = Pick<Client, 'generate' | 'pipeline'>

/** OpenAI's stream has no word for an answer that begins again: one that cannot be gone on with fails. */
const noRestart = { onSeam: 'error' } as const

export async function createChatCompletion(
  client: Answering,
  body: ChatCompletionBody,
  options: RequestOptions,
): Promise<ChatCompletion | AsyncIterable<ChatCompletionChunk>> {
  const request = { ...chatRequestOf(body), ...options, ...(body.stream && noRestart) }
  const stream = client.generate(modelOf(body), request)
  const head = newHead('chatcmpl', body.model)
  if (!body.stream) return chatCompletion(head, (await stream.result).output)
  return chatChunks(head, stream, body)
}

export async function createCompletion(
  client: Answering,
  body: CompletionBody,
  options: RequestOptions,
): Promise<Completion | AsyncIterable<Completion>> {
  const request = { ...completionRequestOf(body), ...options, ...(body.stream && noRestart) }
  const stream = client.generate(modelOf(body), request)
  const head = newHead('cmpl', body.model)
  if (!body.stream) return completion(head, (await stream.result).output)
  return textChunks(head, stream, body)
}

export async function createEmbeddings(
  client: Answering,
  body: EmbeddingsBody,
  options: RequestOptions,
): Promise<EmbeddingsAnswer> {
  const { input, encoding_format: format = 'float' } = body
  if (input === undefined) throw wrong('input', 'is missing')
  const { output }: Result<TaskOutput<'feature-extraction'>> = await client.pipeline(
    'feature-extraction',
    modelOf(body),
  )(input, options)
  const data = output.map((vector, index) => ({
    ...{ object: 'embedding' as const, index },
    embedding: format === 'base64' ? base64Of(vector) : Array.from(vector),
  }))
  // The tokens of embeddings are counted nowhere: a token has about four characters.
  const tokens = Math.ceil([input].flat().join('').length / 4)
  return { object: 'list', model: body.model, data, usage: { prompt_tokens: tokens, total_tokens: tokens } }
}

async function* chatChunks(
  head: Head,
  stream: GenerationStream,
  { stream_options: wanted }: ChatCompletionBody,
): AsyncGenerator<ChatCompletionChunk> {
  const begun = new Set<number>()
  for await (const part of stream) {
    if (!begun.has(part.index)) {
      begun.add(part.index)
      yield firstChunk(head, part.index)
    }
    const chunk = chatChunk(head, part)
    if (chunk) yield chunk
  }
  if (!wanted?.include_usage) return
  const { output } = await stream.result
  yield { ...head, object: 'chat.completion.chunk', choices: [], usage: usageOf(output.usage) }
}

async function* textChunks(
  head: Head,
  stream: GenerationStream,
  { stream_options: wanted }: CompletionBody,
): AsyncGenerator<Completion> {
  for await (const part of stream) {
    const chunk = textChunk(head, part)
    if (chunk) yield chunk
  }
  if (!wanted?.include_usage) return
  const { output } = await stream.result
  yield { ...head, object: 'text_completion', choices: [], usage: usageOf(output.usage) }
}

function modelOf({ model }: { readonly model: unknown }): string {
  if (typeof model !== 'string' || model === '') throw wrong('model', 'must be the name of a model')
  return model
}

/** Little-endian, as OpenAI's clients read it. */
function base64Of(vector: Float32Array): string {
  const bytes = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength)
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary)
}
