/** What POST /v1/chat/completions takes. */
import type { ChatMessage, GenerationRequest, ToolDefinition } from 'edgeward/generation'
import * as v from 'valibot'
import { checkFormat, toolChoiceOf, toolChoiceSchema } from './answer-format.js'
import { generationOptions, mostLogprobs, seedOf, sharedFields, wholeSchema, withoutNull } from './fields.js'
import { readBody, wrongField } from './read-body.js'

const textPartSchema = v.object({ type: v.literal('text', 'text: this endpoint reads texts only'), text: v.string() })

const contentSchema = v.nullish(v.union([v.string(), v.array(textPartSchema)], 'a text or a list of text parts'))

const toolCallSchema = v.object({
  id: v.nullish(v.string()),
  type: v.nullish(v.literal('function')),
  function: v.object({ name: v.string(), arguments: v.string() }),
})

const messageSchema = v.object({
  role: v.picklist(['system', 'developer', 'user', 'assistant', 'tool']),
  content: contentSchema,
  name: v.nullish(v.string()),
  reasoning_content: v.nullish(v.string()),
  tool_calls: v.nullish(v.array(toolCallSchema)),
  tool_call_id: v.nullish(v.string()),
})

const toolSchema = v.object({
  type: v.literal('function'),
  function: v.object({
    name: v.string(),
    description: v.nullish(v.string()),
    parameters: v.nullish(v.record(v.string(), v.unknown())),
  }),
})

const schema = v.object({
  ...sharedFields,
  messages: v.pipe(v.array(messageSchema), v.minLength(1, 'at least one message')),
  max_completion_tokens: v.nullish(wholeSchema(1)),
  logprobs: v.nullish(v.boolean()),
  top_logprobs: v.nullish(wholeSchema(0, mostLogprobs)),
  tools: v.nullish(v.array(toolSchema)),
  tool_choice: v.nullish(toolChoiceSchema),
  add_generation_prompt: v.nullish(v.boolean()),
  continue_final_message: v.nullish(v.boolean()),
  chat_template_kwargs: v.nullish(v.record(v.string(), v.unknown())),
})

export type ChatBody = v.InferOutput<typeof schema>

/** @throws {EdgewardError} `INVALID_INPUT` */
export function readChatBody(json: unknown): ChatBody {
  const body = readBody(json, schema)
  refuse(body)
  return body
}

/** One request of the generator for each of the `n` answers. */
export function chatRequests(body: ChatBody, contextLength: number): GenerationRequest[] {
  const seed = seedOf(body)
  const { messages, prefix } = splitMessages(body)
  const input = withoutNull({
    messages,
    tools: body.tools && body.tool_choice !== 'none' ? body.tools.map(toolOf) : undefined,
    templateArguments: body.chat_template_kwargs,
  })
  return Array.from({ length: body.n ?? 1 }, (_, answer) => ({
    input: { messages, ...input },
    options: {
      // As with OpenAI: as long as the context allows.
      maxTokens: body.max_completion_tokens ?? body.max_tokens ?? contextLength,
      ...generationOptions(body, answer, seed),
      ...withoutNull({ toolChoice: toolChoiceOf(body.tool_choice) }),
      ...(body.logprobs && { logprobs: true, topLogprobs: body.top_logprobs ?? 0 }),
    },
    ...(prefix !== undefined && { resume: { text: prefix, usedTokens: 0 } }),
  }))
}

export function hasTools({ tools, tool_choice: choice }: ChatBody): boolean {
  return (tools?.length ?? 0) > 0 && choice !== 'none'
}

function refuse(body: ChatBody): void {
  const { tool_choice: choice, continue_final_message: continues } = body
  checkFormat(body)
  if (choice && choice !== 'auto' && choice !== 'none' && !body.tools?.length) {
    throw wrongField('tool_choice', 'tool_choice asks for the call of a tool, and the request has no tools')
  }
  if (body.top_logprobs && !body.logprobs) throw wrongField('top_logprobs', 'top_logprobs needs logprobs: true')
  if (continues && body.add_generation_prompt) {
    throw wrongField(
      'add_generation_prompt',
      'add_generation_prompt should be false where continue_final_message is true',
    )
  }
  if (!continues && body.add_generation_prompt === false) {
    throw wrongField('add_generation_prompt', 'add_generation_prompt: false is for continue_final_message: true alone')
  }
  if (continues && body.messages.at(-1)?.role !== 'assistant') {
    throw wrongField('continue_final_message', 'continue_final_message needs a last message of the role assistant')
  }
}

/** The answer that is to be continued is what was written already, and none of it comes again. */
function splitMessages({ messages, continue_final_message: continues }: ChatBody) {
  const all = messages.map(messageOf)
  if (!continues) return { messages: all, prefix: undefined }
  return { messages: all.slice(0, -1), prefix: all.at(-1)?.content ?? '' }
}

function messageOf(message: ChatBody['messages'][number]): ChatMessage {
  const { role, content } = message
  const text = typeof content === 'string' ? content : (content ?? []).map((part) => part.text).join('')
  return {
    role,
    content: text,
    ...withoutNull({
      name: message.name,
      reasoning: message.reasoning_content,
      toolCallId: message.tool_call_id,
      toolCalls: message.tool_calls?.map(({ id, function: called }, index) => ({
        id: id ?? `call_${index}`,
        ...called,
      })),
    }),
  }
}

function toolOf({
  function: { name, description, parameters },
}: NonNullable<ChatBody['tools']>[number]): ToolDefinition {
  return { name, ...withoutNull({ description, parameters }) }
}
