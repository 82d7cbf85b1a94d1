/** OpenAI's shapes, as far as Edgeward reads and writes them: https://platform.openai.com/docs/api-reference */

/** What `chat.completions.create` takes; other fields of OpenAI's are not heeded. */
export interface ChatCompletionBody extends SamplingBody {
  readonly messages: readonly ChatCompletionMessage[]
  readonly max_completion_tokens?: number | null
  readonly logprobs?: boolean | null
  readonly top_logprobs?: number | null
  readonly tools?: readonly ChatCompletionTool[] | null
  readonly tool_choice?:
    'auto' | 'none' | 'required' | { readonly type: 'function'; readonly function: { readonly name: string } } | null
  /** As vLLM has it: for the model's chat template. */
  readonly chat_template_kwargs?: Readonly<Record<string, unknown>> | null
}

/** What `completions.create` takes. */
export interface CompletionBody extends SamplingBody {
  /** A text, or token ids. */
  readonly prompt: string | readonly number[]
}

/** What `embeddings.create` takes. */
export interface EmbeddingsBody {
  readonly model: string
  readonly input: string | readonly string[]
  readonly encoding_format?: 'float' | 'base64'
}

interface SamplingBody {
  readonly model: string
  readonly stream?: boolean | null
  readonly stream_options?: { readonly include_usage?: boolean } | null
  readonly max_tokens?: number | null
  readonly temperature?: number | null
  readonly top_p?: number | null
  readonly top_k?: number | null
  readonly min_p?: number | null
  readonly repetition_penalty?: number | null
  readonly presence_penalty?: number | null
  readonly frequency_penalty?: number | null
  readonly logit_bias?: Readonly<Record<string, number>> | null
  readonly seed?: number | null
  readonly n?: number | null
  readonly stop?: string | readonly string[] | null
  readonly response_format?:
    | { readonly type: 'text' | 'json_object' }
    | { readonly type: 'json_schema'; readonly json_schema: { readonly schema?: object } }
    | null
}

export interface ChatCompletionMessage {
  readonly role: 'system' | 'developer' | 'user' | 'assistant' | 'tool'
  readonly content?: string | readonly { readonly type: string; readonly text?: string }[] | null
  readonly name?: string
  readonly tool_call_id?: string
  readonly tool_calls?: readonly ChatCompletionToolCall[]
  readonly reasoning_content?: string | null
}

export interface ChatCompletionToolCall {
  readonly id: string
  readonly type: 'function'
  readonly function: { readonly name: string; readonly arguments: string }
}

export interface ChatCompletionTool {
  readonly type: 'function'
  readonly function: { readonly name: string; readonly description?: string; readonly parameters?: object }
}

export interface CompletionUsage {
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly total_tokens: number
  readonly prompt_tokens_details?: { readonly cached_tokens: number }
}

type OpenAiFinishReason = 'stop' | 'length' | 'tool_calls'

interface TokenLogprobs {
  readonly content: readonly {
    readonly token: string
    readonly bytes: readonly number[]
    readonly logprob: number
    readonly top_logprobs: readonly {
      readonly token: string
      readonly bytes: readonly number[]
      readonly logprob: number
    }[]
  }[]
}

/** A whole answer. */
export interface ChatCompletion {
  readonly id: string
  readonly object: 'chat.completion'
  readonly created: number
  readonly model: string
  readonly choices: readonly {
    readonly index: number
    readonly message: {
      readonly role: 'assistant'
      readonly content: string | null
      readonly refusal: null
      readonly reasoning_content?: string
      readonly tool_calls?: readonly ChatCompletionToolCall[]
    }
    readonly logprobs: TokenLogprobs | null
    readonly finish_reason: OpenAiFinishReason
  }[]
  readonly usage: CompletionUsage
}

/** A piece of a streamed answer. */
export interface ChatCompletionChunk {
  readonly id: string
  readonly object: 'chat.completion.chunk'
  readonly created: number
  readonly model: string
  readonly choices: readonly {
    readonly index: number
    readonly delta: {
      readonly role?: 'assistant'
      readonly content?: string
      readonly reasoning_content?: string
      readonly tool_calls?: readonly {
        readonly index: number
        readonly id?: string
        readonly type?: 'function'
        readonly function: { readonly name?: string; readonly arguments: string }
      }[]
    }
    readonly logprobs: TokenLogprobs | null
    readonly finish_reason: OpenAiFinishReason | null
  }[]
  readonly usage?: CompletionUsage | null
}

/** A whole text; `finish_reason` is null in the pieces of a streamed one but the last. */
export interface Completion {
  readonly id: string
  readonly object: 'text_completion'
  readonly created: number
  readonly model: string
  readonly choices: readonly {
    readonly index: number
    readonly text: string
    readonly logprobs: null
    readonly finish_reason: OpenAiFinishReason | null
  }[]
  readonly usage?: CompletionUsage | null
}

export interface EmbeddingsAnswer {
  readonly object: 'list'
  readonly model: string
  readonly data: readonly {
    readonly object: 'embedding'
    readonly index: number
    readonly embedding: number[] | string
  }[]
  readonly usage: { readonly prompt_tokens: number; readonly total_tokens: number }
}
