/** Text generation: what is asked, the parts that come back, and what engines tell of a stream so that another can go on. */
import type { Timings } from './engine.js'
import type { Placement } from './plan.js'

/** A call of a tool, as a model wrote it. */
export interface ToolCall {
  readonly id: string
  readonly name: string
  /** A JSON text, as the model wrote it: it may be wrong. */
  readonly arguments: string
}

/** A tool that a model may call, as OpenAI's `tools[].function` has it. */
export interface ToolDefinition {
  readonly name: string
  readonly description?: string
  /** JSON Schema of the arguments. */
  readonly parameters?: object
}

/** One message of a chat. */
export interface ChatMessage {
  readonly role: 'system' | 'developer' | 'user' | 'assistant' | 'tool'
  readonly content: string
  readonly name?: string
  /** What an assistant thought before it answered. */
  readonly reasoning?: string
  /** What an assistant called. */
  readonly toolCalls?: readonly ToolCall[]
  /** Which call a tool's message answers. */
  readonly toolCallId?: string
}

/** What a text is generated from: a chat, put into the model's own form; or a prompt as it is, as text or token ids. */
export type GenerationInput =
  | {
      readonly messages: readonly ChatMessage[]
      readonly tools?: readonly ToolDefinition[]
      /** Beside the messages, for the model's chat template, such as `enable_thinking`. */
      readonly templateArguments?: Readonly<Record<string, unknown>>
    }
  | { readonly prompt: string | readonly number[] }

/** What the text must be. */
export type ResponseFormat =
  | { readonly type: 'text' }
  | { readonly type: 'json_object' }
  /** A JSON text that a schema allows. */
  | { readonly type: 'json_schema'; readonly schema: object }
  /** A text that a regular expression matches from its start to its end. */
  | { readonly type: 'regex'; readonly pattern: string }

/** Whether the model may, must or must not call a tool; or which one it must. */
export type ToolChoice = 'auto' | 'none' | 'required' | { readonly name: string }

/** How a text is generated. The names are OpenAI's and Hugging Face's; defaults: `generationDefaults`. */
export interface GenerationOptions {
  /** The most tokens to generate, reasoning included. */
  readonly maxTokens?: number
  /** 0: greedy. */
  readonly temperature?: number
  /** Only the most likely tokens are drawn from; 0: all. */
  readonly topK?: number
  /** Only the most likely tokens whose probabilities make up this share are drawn from. */
  readonly topP?: number
  /** Only tokens at least this share as likely as the likeliest are drawn from. */
  readonly minP?: number
  /** Divides (multiplies, where negative) the logits of tokens that are in the prompt or the answer; 1: none. As in CTRL, arXiv:1909.05858. */
  readonly repetitionPenalty?: number
  /** Taken from the logits of tokens that are in the answer, once. */
  readonly presencePenalty?: number
  /** Taken from the logits of tokens that are in the answer, for each time. */
  readonly frequencyPenalty?: number
  /** Added to the logits of tokens, by id. */
  readonly logitBias?: Readonly<Record<number, number>>
  /** The same seed gives the same text at the same placement. Absent: another one each time. */
  readonly seed?: number
  /** How many answers. */
  readonly n?: number
  /** Whether each token's log probability is told. */
  readonly logprobs?: boolean
  /** How many of the likeliest tokens are told at each position, 20 at most. */
  readonly topLogprobs?: number
  /** Texts that end the answer; they are not part of it. */
  readonly stop?: string | readonly string[]
  readonly responseFormat?: ResponseFormat
  readonly toolChoice?: ToolChoice
  /**
   * What becomes of a chat that does not fit the model's context: `error`: `CONTEXT_OVERFLOW`; `slide`: the oldest messages but
   * the system's are left out, and, while the text grows, its oldest tokens behind the prompt's beginning.
   */
  readonly contextOverflow?: 'error' | 'slide'
  /** Whether drafts are looked up in the prompt and checked; the text is the same. `auto`: while it is measured to gain. */
  readonly promptLookup?: 'auto' | 'off'
  /** What happens when an answer cannot be gone on with elsewhere without a seam: begin again, with a part that says so, or fail. */
  readonly onSeam?: 'restart' | 'error'
}

/** Why an answer ended. `length`: at `maxTokens`, or at the end of the context. */
export type FinishReason = 'stop' | 'length' | 'tool-calls'

export interface GenerationUsage {
  readonly promptTokens: number
  /** Of the prompt, how many were in the KV cache already. */
  readonly cachedTokens?: number
  readonly completionTokens: number
  /** With `contextOverflow: 'slide'`: how many tokens of the chat and of the answer were left out. Absent: none. */
  readonly droppedTokens?: number
}

export interface GenerationTimings extends Omit<Timings, 'totalMs'> {
  /** From the request to its first token, in milliseconds. */
  readonly firstTokenMs?: number
  readonly promptTokensPerSecond?: number
  /** Of the tokens after the first. */
  readonly tokensPerSecond?: number
  /** Of prompt lookup: how many tokens were drafted, and how many of them were right. */
  readonly draftedTokens?: number
  readonly acceptedTokens?: number
}

/** How likely a token was, before temperature. */
export interface TokenLogprob {
  readonly token: string
  readonly id?: number
  /** Natural logarithm. */
  readonly logprob: number
  /** The likeliest tokens at this position, best first. */
  readonly top?: readonly Omit<TokenLogprob, 'top'>[]
}

/** Which part of an answer one placement wrote: from a character of the raw text to another. */
export interface Segment {
  readonly placement: Placement
  readonly from: number
  readonly to: number
}

/** One event of a streamed answer. `index`: of which answer, where there are `n`. */
export type GenerationPart = { readonly index: number } & (
  | { readonly type: 'text-start' }
  | { readonly type: 'text-delta'; readonly text: string; readonly logprobs?: readonly TokenLogprob[] }
  | { readonly type: 'text-end' }
  | { readonly type: 'reasoning-start' }
  | { readonly type: 'reasoning-delta'; readonly text: string }
  | { readonly type: 'reasoning-end' }
  /** A piece of a call's arguments; the first one of a call has its name. */
  | {
      readonly type: 'tool-call-delta'
      readonly call: number
      readonly id: string
      readonly name?: string
      readonly arguments: string
    }
  /** A whole call. */
  | { readonly type: 'tool-call'; readonly call: number; readonly toolCall: ToolCall }
  /** What follows is written here. The first comes before any text; later ones say that the answer moved, and why. */
  | { readonly type: 'placement'; readonly placement: Placement; readonly reason?: string }
  /** What came so far is void: the answer begins again. */
  | { readonly type: 'restart'; readonly reason: string }
  | {
      readonly type: 'finish'
      readonly reason: FinishReason
      readonly usage: GenerationUsage
      readonly timings: GenerationTimings
      readonly segments: readonly Segment[]
    }
)

/** One finished answer. */
export interface GeneratedAnswer {
  readonly text: string
  readonly reasoning?: string
  readonly toolCalls: readonly ToolCall[]
  readonly finishReason: FinishReason
  readonly logprobs?: readonly TokenLogprob[]
  /** Who wrote what of the raw text (with its markup of reasoning and calls). */
  readonly segments: readonly Segment[]
}

/** What a generation comes to: the first answer, and all of them. */
export interface GenerationOutput extends GeneratedAnswer {
  readonly answers: readonly GeneratedAnswer[]
  readonly usage: GenerationUsage
  readonly timings: GenerationTimings
}

/** How a model marks, in its raw text, what is not the answer itself. */
export interface TextFormat {
  /** The raw text opens inside of the reasoning, since the template opened it. */
  readonly startsInReasoning?: boolean
  readonly reasoning?: { readonly open: string; readonly close: string }
  /**
   * `hermes`: `<tool_call>{"name":…,"arguments":{…}}</tool_call>` (also Qwen); `llama3`: the whole text is
   * `{"name":…,"parameters":{…}}`, after `<|python_tag|>` or not.
   */
  readonly tools?: 'hermes' | 'llama3'
}

/**
 * What an engine tells of one answer. Text is raw, with the model's own markup; a delta's ids are those of its text exactly, so
 * that after each delta the text so far is what the ids so far decode to: another engine can go on from there.
 */
export type GenerationEvent =
  | {
      readonly type: 'start'
      readonly format: TextFormat
      readonly promptTokens?: number
      readonly cachedTokens?: number
      /** The prompt as this model takes it. */
      readonly promptIds?: readonly number[]
    }
  | {
      readonly type: 'delta'
      readonly text: string
      /** Absent: the engine does not know them. */
      readonly tokenIds?: readonly number[]
      readonly logprobs?: readonly TokenLogprob[]
    }
  /** Of an endpoint that reads the markup itself. */
  | { readonly type: 'reasoning'; readonly text: string }
  | {
      readonly type: 'tool-call'
      readonly call: number
      readonly id?: string
      readonly name?: string
      readonly arguments: string
    }
  | {
      readonly type: 'finish'
      readonly reason: FinishReason
      /** Of the whole answer, `resume` included. */
      readonly usage: Partial<GenerationUsage>
      readonly timings: GenerationTimings
    }

/** What another engine has written of an answer: the raw text after which to go on. */
export interface GenerationResume {
  readonly text: string
  /** The ids that `text` is made of, where they are known, and the prompt's: only for the same tokenizer. */
  readonly tokenIds?: readonly number[]
  readonly promptIds?: readonly number[]
  /**
   * The text ends inside of its reasoning, of a call, or of their marks: an endpoint that cannot take it by its ids fails with
   * `details.resumable: false`.
   */
  readonly onlyByIds?: boolean
  /** How many tokens of `maxTokens` are spent. */
  readonly usedTokens: number
}

/** What the decode loop must know of a model; in a manifest of the task text-generation, its `config`. */
export interface LanguageModelConfig {
  /** `llama`, `qwen2`, `qwen3`, `gemma3`, … */
  readonly architecture: string
  readonly vocabularySize: number
  /** The most tokens that it can attend to. */
  readonly contextLength: number
  readonly layers: number
  /** Key and value heads of a layer. */
  readonly kvHeads: number
  /** Elements of a head. */
  readonly headSize: number
  /** Tokens that end an answer. */
  readonly eosTokenIds: readonly number[]
  readonly bosTokenId?: number
  /** Whether a prompt that is no chat begins with `bosTokenId`. */
  readonly addsBos?: boolean
  readonly format?: TextFormat
}
