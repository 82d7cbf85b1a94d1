/** What a client offers in OpenAI's shape; what answers is loaded with the first request. */
import type { Client } from './client-surface.js'
import type {
  ChatCompletion,
  ChatCompletionBody,
  ChatCompletionChunk,
  Completion,
  CompletionBody,
  EmbeddingsAnswer,
  EmbeddingsBody,
} from './openai/types.js'
import type { RequestOptions } from './options.js'

/** Requests in OpenAI's shape, answered wherever the plan says. */
export interface OpenAiSurface {
  readonly chat: { readonly completions: ChatCompletions }
  readonly completions: Completions
  readonly embeddings: { create(body: EmbeddingsBody, options?: RequestOptions): Promise<EmbeddingsAnswer> }
  /**
   * A `fetch` for OpenAI's clients: `new OpenAI({ baseURL: 'https://edgeward.invalid/v1', fetch: edge.fetch, apiKey: '-' })`.
   * It answers `/v1/chat/completions`, `/v1/completions`, `/v1/embeddings` and `/v1/models`, and never fetches anything else.
   */
  readonly fetch: typeof fetch
}

/** An answer that is streamed begins again at no other placement: OpenAI's shape has no word for that, and it fails. */
export interface ChatCompletions {
  create(body: ChatCompletionBody & { readonly stream: true }, options?: RequestOptions): Promise<Streamed>
  create(
    body: ChatCompletionBody & { readonly stream?: false | null },
    options?: RequestOptions,
  ): Promise<ChatCompletion>
}

type Streamed = AsyncIterable<ChatCompletionChunk>

export interface Completions {
  create(body: CompletionBody & { readonly stream: true }, options?: RequestOptions): Promise<AsyncIterable<Completion>>
  create(body: CompletionBody & { readonly stream?: false | null }, options?: RequestOptions): Promise<Completion>
}

export function openAiSurface(client: Pick<Client, 'generate' | 'pipeline' | 'models'>): OpenAiSurface {
  const load = () => import('./openai/index.js')
  // Whether it is streamed, which decides the type, is in the body.
  const completions = {
    create: async (body: ChatCompletionBody, options: RequestOptions = {}) =>
      (await load()).createChatCompletion(client, body, options),
  } as ChatCompletions
  return {
    chat: { completions },
    completions: {
      create: async (body: CompletionBody, options: RequestOptions = {}) =>
        (await load()).createCompletion(client, body, options),
    } as Completions,
    embeddings: { create: async (body, options = {}) => (await load()).createEmbeddings(client, body, options) },
    fetch: async (input, init) => (await load()).answerFetch(client, input, init),
  }
}
