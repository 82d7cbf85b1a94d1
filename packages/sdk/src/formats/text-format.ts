/** How a model marks what is not the answer itself, read from what its chat template mentions. */
import type { TextFormat } from '../contract/index.js'

/**
 * @param tokenizerConfig tokenizer_config.json, parsed: `chat_template` is a text, or a list of named ones.
 * @returns Undefined where the template has neither reasoning nor tools.
 */
export function textFormat(tokenizerConfig: { readonly chat_template?: unknown }): TextFormat | undefined {
  const template = textsOf(tokenizerConfig.chat_template).join('\n')
  const tools = template.includes('<tool_call>')
    ? 'hermes'
    : template.includes('python_tag') || template.includes('"parameters"')
      ? 'llama3'
      : undefined
  const reasoning = template.includes('<think>') ? { open: '<think>', close: '</think>' } : undefined
  return tools || reasoning ? { ...(reasoning && { reasoning }), ...(tools && { tools }) } : undefined
}

function textsOf(template: unknown): readonly string[] {
  if (Array.isArray(template)) {
    return template.flatMap((named: { readonly template?: unknown } | null) => textsOf(named?.template))
  }
  return typeof template === 'string' ? [template] : []
}
