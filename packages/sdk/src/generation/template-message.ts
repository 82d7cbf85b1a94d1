/** Messages and tools in the words that chat templates know: those of Transformers' `apply_chat_template`. */
import type { ChatMessage, ToolCall, ToolDefinition } from '../contract/index.js'

/** @param hasDeveloper - whether the template knows the role `developer`; else it becomes `system` */
export function templateMessage(message: ChatMessage, hasDeveloper: boolean): Readonly<Record<string, unknown>> {
  const { role, content, name, reasoning, toolCalls, toolCallId } = message
  return {
    role: role === 'developer' && !hasDeveloper ? 'system' : role,
    content,
    ...(name !== undefined && { name }),
    ...(reasoning !== undefined && { reasoning_content: reasoning }),
    ...(toolCalls?.length && { tool_calls: toolCalls.map(templateCall) }),
    ...(toolCallId !== undefined && { tool_call_id: toolCallId }),
  }
}

export function templateTool({ name, description, parameters }: ToolDefinition): object {
  const definition = { name, ...(description !== undefined && { description }), ...(parameters && { parameters }) }
  return { type: 'function', function: definition }
}

function templateCall({ id, name, arguments: text }: ToolCall): object {
  return { id, type: 'function', function: { name, arguments: parsedArguments(text) } }
}

/** Templates write arguments as JSON themselves; what a model wrote wrongly is shown as it was. */
function parsedArguments(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}
