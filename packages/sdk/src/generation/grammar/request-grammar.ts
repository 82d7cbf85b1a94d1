/** Says which grammar a request's answer must follow; undefined: any text is right. */
import type { GenerationInput, GenerationOptions, TextFormat, ToolDefinition } from '../../contract/index.js'
import { EdgewardError } from '../../errors/index.js'

/** A grammar in the words of the engine: https://xgrammar.mlc.ai/docs/tutorials/structural_tag.html */
export type RequestGrammar =
  | { readonly type: 'json' }
  | { readonly type: 'schema'; readonly schema: object }
  | { readonly type: 'tag'; readonly tag: object }

/** @throws EdgewardError MODEL_UNSUPPORTED when tools are asked of a model that has no form for their calls */
export function grammarOf(
  input: GenerationInput,
  { responseFormat = { type: 'text' }, toolChoice = 'auto' }: GenerationOptions,
  format: TextFormat,
): RequestGrammar | undefined {
  const tools = 'messages' in input && toolChoice !== 'none' ? (input.tools ?? []) : []
  if (typeof toolChoice === 'object') return callsOf(format, [toolNamed(tools, toolChoice.name)], true)
  if (tools.length > 0 && toolChoice === 'required') return callsOf(format, tools, true)
  switch (responseFormat.type) {
    case 'json_object':
      return { type: 'json' }
    case 'json_schema':
      return { type: 'schema', schema: responseFormat.schema }
    case 'regex':
      return { type: 'tag', tag: { type: 'regex', pattern: responseFormat.pattern } }
    case 'text':
      // A model without a form for calls is left alone: what it was told of tools is in its prompt.
      return tools.length > 0 && format.tools === 'hermes' ? callsOf(format, tools, false) : undefined
  }
}

/** Calls that are what their tools take; with `mustCall`, nothing but calls. */
function callsOf(format: TextFormat, tools: readonly ToolDefinition[], mustCall: boolean): RequestGrammar {
  if (format.tools === 'llama3') return oneOf(tools.map((tool) => callObject(tool, 'parameters')))
  if (format.tools === undefined) {
    throw new EdgewardError(
      'MODEL_UNSUPPORTED',
      'The model has no form for calls of tools: toolChoice cannot ask for one.',
    )
  }
  const tags = tools.map((tool) => ({
    type: 'tag',
    begin: `<tool_call>\n{"name": ${JSON.stringify(tool.name)}, "arguments": `,
    content: { type: 'json_schema', json_schema: tool.parameters ?? {} },
    end: '}\n</tool_call>',
  }))
  if (mustCall) {
    return { type: 'tag', tag: { type: 'tags_with_separator', tags, separator: '\n', at_least_one: true } }
  }
  return { type: 'tag', tag: { type: 'triggered_tags', triggers: ['<tool_call>'], tags } }
}

function callObject({ name, parameters = {} }: ToolDefinition, argumentsKey: string): object {
  const properties = { name: { const: name }, [argumentsKey]: parameters }
  return { type: 'object', properties, required: ['name', argumentsKey], additionalProperties: false }
}

function oneOf(schemas: readonly object[]): RequestGrammar {
  const [only] = schemas
  return { type: 'schema', schema: schemas.length === 1 && only ? only : { anyOf: schemas } }
}

function toolNamed(tools: readonly ToolDefinition[], name: string): ToolDefinition {
  const found = tools.find((tool) => tool.name === name)
  if (found) return found
  const names = tools.map((tool) => tool.name).join(', ') || 'none'
  const message = `toolChoice names the tool ${JSON.stringify(name)}, which is not among the request's tools: ${names}.`
  throw new EdgewardError('INVALID_OPTION', message, { details: { option: 'toolChoice', value: name } })
}
