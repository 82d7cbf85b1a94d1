/** Puts a chat into the form that a model was trained on, with the model's own template. */
import { Template } from '@huggingface/jinja'
import type { ChatMessage, GenerationInput } from '../contract/index.js'
import { EdgewardError, messageOf } from '../errors/index.js'
import { templateMessage, templateTool } from './template-message.js'

/** A chat, as it is asked for. */
export type ChatInput = Extract<GenerationInput, { messages: unknown }>

export interface ChatTemplate {
  /**
   * The chat as the model takes it. An assistant's message at the end is left open, to be gone on with; behind any other one, the
   * assistant's next message is opened.
   *
   * @throws EdgewardError MODEL_UNSUPPORTED when there is no template, or none that can be read; INVALID_INPUT when it refuses the chat
   */
  render(chat: ChatInput): string
}

/** @param config - tokenizer_config.json, parsed: `chat_template`, and the tokens that templates ask for by name */
export function createChatTemplate(config: object): ChatTemplate {
  const parsed = new Map<string, Template>()
  return {
    render(chat) {
      const source = sourceFor(config, chat)
      const template = parsed.get(source) ?? parse(source)
      parsed.set(source, template)
      return renderChat(template, source, chat, specialTokens(config))
    },
  }
}

/** `chat_template` is one template, or several with names: `default` and `tool_use`. */
function sourceFor(config: object, { tools }: ChatInput): string {
  const { chat_template: given } = config as { readonly chat_template?: unknown }
  if (typeof given === 'string') return given
  const named = Array.isArray(given)
    ? (given as readonly { readonly name?: unknown; readonly template?: unknown }[])
    : []
  const byName = (wanted: string) => named.find(({ name }) => name === wanted)?.template
  const source = (tools?.length ? byName('tool_use') : undefined) ?? byName('default')
  if (typeof source === 'string') return source
  const message =
    'The model has no chat template, so it cannot take messages; give it a prompt, or a model made for chats.'
  throw new EdgewardError('MODEL_UNSUPPORTED', message)
}

function parse(source: string): Template {
  try {
    return new Template(source)
  } catch (cause) {
    const message = `The model's chat template cannot be read: ${messageOf(cause)}`
    throw new EdgewardError('MODEL_UNSUPPORTED', message, { cause })
  }
}

/** The tokens that templates ask for, such as `bos_token`: a text, or an object with its `content`. */
function specialTokens(config: object): Readonly<Record<string, string>> {
  const texts = Object.entries(config as Readonly<Record<string, unknown>>).flatMap(([name, value]) => {
    const text = typeof value === 'object' && value !== null && 'content' in value ? value.content : value
    return name.endsWith('_token') && typeof text === 'string' ? [[name, text] as const] : []
  })
  return Object.fromEntries(texts)
}

function renderChat(
  template: Template,
  source: string,
  chat: ChatInput,
  tokens: Readonly<Record<string, string>>,
): string {
  const hasDeveloper = source.includes('developer')
  const open = continued(chat)
  const messages = open === undefined ? chat.messages : [...chat.messages.slice(0, -1), marked(chat, open)]
  const variables = {
    ...tokens,
    messages: messages.map((message) => templateMessage(message, hasDeveloper)),
    ...(chat.tools?.length ? { tools: chat.tools.map(templateTool) } : {}),
    add_generation_prompt: open === undefined,
    ...chat.templateArguments,
  }
  const text = run(template, variables)
  return open === undefined ? text : leaveOpen(text, open)
}

function run(template: Template, variables: Record<string, unknown>): string {
  try {
    return template.render(variables)
  } catch (cause) {
    const message = `The model's chat template does not take these messages: ${messageOf(cause)}`
    throw new EdgewardError('INVALID_INPUT', message, { cause })
  }
}

/** What an assistant has written at the end of a chat, to be gone on with. */
export function continued({ messages }: ChatInput): string | undefined {
  const last: ChatMessage | undefined = messages.at(-1)
  return last?.role === 'assistant' && last.content.trim() !== '' && !last.toolCalls?.length ? last.content : undefined
}

/** Where an open message ends is found by this: its last letters may be those of what the template closes it with. */
const endMark = 'EDGEWARD-GOES-ON-HERE'

/** The last message, with the mark behind its last letter. */
function marked({ messages }: ChatInput, content: string): ChatMessage {
  const end = content.trimEnd().length
  return { role: 'assistant', ...messages.at(-1), content: content.slice(0, end) + endMark + content.slice(end) }
}

/** Cuts off how the template closed the last message; templates may have trimmed it. As `continue_final_message` of Transformers does. */
function leaveOpen(text: string, content: string): string {
  const end = text.lastIndexOf(endMark)
  const shown = text.slice(0, Math.max(0, end))
  if (!shown.endsWith(content.trim())) {
    const message = 'The chat ends with an assistant’s message that the model’s chat template does not show as it is.'
    throw new EdgewardError('INVALID_INPUT', message)
  }
  const trailing = content.slice(content.trimEnd().length)
  return text.startsWith(trailing, end + endMark.length) ? shown + trailing : shown
}
