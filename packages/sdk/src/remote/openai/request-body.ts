/** Puts a request for text into the words of an endpoint. */
import type {
  ChatMessage,
  GenerationOptions,
  ResponseFormat,
  StreamRequest,
  ToolChoice,
  ToolDefinition,
} from '../../contract/index.js'
import { EdgewardError } from '../../errors/index.js'
import type { OpenAiServer } from '../options.js'
import type { Manner } from './manner.js'
import { extensionsOf } from './server.js'
import type { Way } from './way.js'

/** OpenAI's old default is 16; this is what texts on the device have. */
const completionTokens = 2048
/** llama.cpp looks for tokens that repeat among the last 64, elsewhere in all of them; newer ones refuse -1, which means all. */
const wholeContext = 65_536

export interface OpenAiRequest {
  readonly path: '/chat/completions' | '/completions'
  readonly body: Readonly<Record<string, unknown>>
}

/**
 * @param model - its name at the endpoint
 * @throws EdgewardError REMOTE_REJECTED for what this endpoint cannot be asked
 */
export function openAiRequest(request: StreamRequest, model: string, way: Way, manner: Manner): OpenAiRequest {
  const { options } = request
  const left = tokensLeft(request)
  const limit = isChat(way)
    ? left && left + blankTokens(request, way)
    : (left ?? Math.max(1, completionTokens - (request.resume?.usedTokens ?? 0)))
  const common = {
    model,
    stream: true,
    ...(manner.includesUsage && { stream_options: { include_usage: true } }),
    ...(limit !== undefined && { [manner.maxTokensName]: limit }),
    ...samplingFields(options, manner),
    ...formatFields(options.responseFormat, manner),
    ...(extensionsOf[manner.server].tokenIds && mayAskForIds(options, manner) && { return_token_ids: true }),
  }
  if (isChat(way)) {
    return { path: '/chat/completions', body: defined({ ...common, ...chatFields(request, way, manner) }) }
  }
  const logprobs = options.logprobs ? Math.max(1, options.topLogprobs ?? 0) : undefined
  return { path: '/completions', body: defined({ ...common, ...promptFields(request, way.prompt, manner), logprobs }) }
}

/** How many tokens may still be written; undefined: nobody said. */
export function tokensLeft({ options, resume }: StreamRequest): number | undefined {
  return options.maxTokens === undefined ? undefined : options.maxTokens - (resume?.usedTokens ?? 0)
}

function isChat(way: Way): way is Exclude<Way, { by: 'prompt' }> {
  return way.by !== 'prompt'
}

/** Blanks that were cut off are written again, and not told: mostly as one token. */
function blankTokens({ resume }: StreamRequest, way: Way): number {
  return way.by === 'message' && resume && way.text !== resume.text ? 1 : 0
}

/** vLLM keeps text back for its stop strings, but not the ids. */
function mayAskForIds({ stop }: GenerationOptions, { server }: Manner): boolean {
  return server === 'edgeward' || stop === undefined || stop.length === 0
}

/** What is written of the answer goes with the prompt, or beside it where that is understood. */
function promptFields({ input, resume }: StreamRequest, whole: string | readonly number[], { server }: Manner): object {
  const prompt = 'prompt' in input ? input.prompt : resume?.promptIds
  if (!resume || prompt === undefined || !extensionsOf[server].resumes) return { prompt: whole }
  return {
    prompt,
    resume: defined({ text: resume.text, token_ids: resume.tokenIds?.length ? resume.tokenIds : undefined }),
  }
}

function chatFields({ input, options }: StreamRequest, way: Way, { server }: Manner): Record<string, unknown> {
  if (!('messages' in input)) throw new EdgewardError('INTERNAL', 'a prompt is no chat')
  const { tools, templateArguments } = input
  const messages: object[] = input.messages.map(messageOf)
  if (way.by === 'message') messages.push({ role: 'assistant', content: way.text })
  if (templateArguments && !extensionsOf[server].templateArguments) {
    throw refused('this endpoint is not known to pass arguments to the chat template (templateArguments)')
  }
  return {
    messages,
    tools: tools?.length ? tools.map(toolOf) : undefined,
    tool_choice: tools?.length ? toolChoiceOf(options.toolChoice) : undefined,
    logprobs: options.logprobs || undefined,
    top_logprobs: options.logprobs ? options.topLogprobs : undefined,
    chat_template_kwargs: templateArguments,
    ...(way.by === 'message' && {
      continue_final_message: true,
      add_generation_prompt: way.contradictsItself ?? false,
    }),
  }
}

function messageOf({ role, content, name, reasoning, toolCalls, toolCallId }: ChatMessage): object {
  return defined({
    // Few chat templates know `developer`.
    role: role === 'developer' ? 'system' : role,
    content,
    name,
    reasoning_content: reasoning,
    tool_calls: toolCalls?.map(({ id, name: called, arguments: given }) => ({
      id,
      type: 'function',
      function: { name: called, arguments: given },
    })),
    tool_call_id: toolCallId,
  })
}

function toolOf(tool: ToolDefinition): object {
  return { type: 'function', function: tool }
}

function toolChoiceOf(choice: ToolChoice | undefined): unknown {
  return typeof choice === 'object' ? { type: 'function', function: choice } : choice
}

function samplingFields(options: GenerationOptions, { server }: Manner): Record<string, unknown> {
  const { logitBias, stop } = options
  return {
    temperature: options.temperature,
    top_p: options.topP,
    presence_penalty: options.presencePenalty,
    frequency_penalty: options.frequencyPenalty,
    logit_bias: logitBias && Object.keys(logitBias).length > 0 ? logitBias : undefined,
    seed: options.seed,
    stop: stop?.length ? stop : undefined,
    ...extendedSampling(options, server),
  }
}

/**
 * Where a server is known to have these, they are said always: it has values of its own, or a model's, where nothing is said.
 * Elsewhere what changes nothing is not said; the rest is, and may be refused there.
 */
function extendedSampling(
  { topK, minP, repetitionPenalty }: GenerationOptions,
  server: OpenAiServer,
): Record<string, unknown> {
  const { sampling } = extensionsOf[server]
  const all = server === 'vllm' ? -1 : 0
  return {
    top_k: topK === 0 ? sampling && all : topK,
    min_p: minP === 0 && !sampling ? undefined : minP,
    [sampling ?? 'repetition_penalty']: repetitionPenalty === 1 && !sampling ? undefined : repetitionPenalty,
    ...(server === 'llamacpp' &&
      repetitionPenalty !== undefined &&
      repetitionPenalty !== 1 && { repeat_last_n: wholeContext }),
  }
}

function formatFields(format: ResponseFormat | undefined, { server }: Manner): Record<string, unknown> {
  switch (format?.type) {
    case undefined:
    case 'text':
      return {}
    case 'json_object':
      return { response_format: { type: 'json_object' } }
    case 'json_schema':
      return {
        response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: format.schema, strict: true } },
      }
    case 'regex':
      if (extensionsOf[server].regex) return { structured_outputs: { regex: format.pattern } }
      throw refused('this endpoint is not known to write texts that match a regular expression')
  }
}

function refused(why: string): EdgewardError {
  return new EdgewardError('REMOTE_REJECTED', `The request was not sent: ${why}.`)
}

function defined(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
