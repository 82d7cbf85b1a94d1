/** Says which grammar a request's answer must follow; undefined: any text is right. */
import type { GenerationInput, GenerationOptions, TextFormat, ToolDefinition } from '../../contract/index.js'
import { EdgewardError } from '../../errors/index.js'

export type RequestGrammar =
  /** Any JSON object. */
  | { readonly type: 'json' }
  | { readonly type: 'schema'; readonly schema: object }
  | { readonly type: 'regex'; readonly pattern: string }
  /** Calls among any text; with `mustCall`, nothing but calls. */
  | { readonly type: 'calls'; readonly calls: readonly MarkedCall[]; readonly mustCall: boolean }

/** What stands before and behind a call's arguments. */
export interface MarkedCall {
  readonly begin: string
  readonly schema: object
  readonly end: string
}

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
      return { type: 'regex', pattern: responseFormat.pattern }
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
      { details: { option: 'toolChoice' } },
    )
  }
  const calls = tools.map((tool) => ({
    begin: `<tool_call>\n{"name": ${JSON.stringify(tool.name)}, "arguments": `,
    schema: argumentsOf(tool),
    end: '}\n</tool_call>',
  }))
  return { type: 'calls', calls, mustCall }
}

function argumentsOf({ parameters = {} }: ToolDefinition): object {
  return Object.keys(parameters).length === 0 ? { type: 'object' } : parameters
}

function callObject(tool: ToolDefinition, argumentsKey: string): object {
  const properties = { name: { const: tool.name }, [argumentsKey]: argumentsOf(tool) }
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
