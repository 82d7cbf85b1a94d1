/** Answers of a form: JSON, schemas, regular expressions and calls of tools, over HTTP. */
import { describe, expect, it } from 'vitest'
import { startOpenAiServer, type OpenAiServer } from './support/start-openai-server.js'

const chat = { model: 'alphabet', messages: [{ role: 'user', content: 'hello' }], temperature: 0, max_tokens: 100 }
const completion = { model: 'alphabet', prompt: 'hello\n', temperature: 0, max_tokens: 100 }

const schema = {
  type: 'object',
  properties: { word: { enum: ['abc', 'xyz'] }, isLong: { type: 'boolean' } },
  required: ['word', 'isLong'],
  additionalProperties: false,
}
const weather = {
  type: 'function',
  function: {
    name: 'weather',
    parameters: { type: 'object', properties: { city: { enum: ['Oslo'] } }, required: ['city'] },
  },
}

/** A byte's token is the byte: room for no blanks. */
const noBlanks = { 9: -100, 10: -100, 32: -100 }

interface Answer {
  readonly choices: readonly {
    readonly text?: string
    readonly message?: {
      readonly content: string | null
      readonly tool_calls?: readonly { readonly id: string; readonly function: object }[]
    }
    readonly finish_reason: string
  }[]
}

async function ask({ post }: OpenAiServer, path: string, body: object) {
  const response = await post(path, body)
  const { choices } = (await response.json()) as Answer
  const [choice] = choices
  return {
    text: choice?.message?.content ?? choice?.text,
    calls: choice?.message?.tool_calls,
    finish: choice?.finish_reason,
  }
}

describe('the form of an answer', () => {
  it('is that of response_format', async () => {
    const server = await startOpenAiServer()
    const json_schema = { name: 'answer', strict: true, schema }

    const ofSchema = await ask(server, '/v1/chat/completions', {
      ...chat,
      response_format: { type: 'json_schema', json_schema },
    })
    const ofPrompt = await ask(server, '/v1/completions', {
      ...completion,
      response_format: { type: 'json_schema', json_schema },
    })
    const ofText = await ask(server, '/v1/chat/completions', { ...chat, response_format: { type: 'text' } })

    expect(JSON.parse(ofSchema.text ?? '')).toEqual({
      word: expect.stringMatching(/^(abc|xyz)$/) as string,
      isLong: expect.any(Boolean) as boolean,
    })
    expect(Object.keys(JSON.parse(ofPrompt.text ?? '') as object)).toEqual(['word', 'isLong'])
    expect(ofText.text).toBe('abcdefghijklmnopqrstuvwxyz')
  })

  it('is a JSON object where one is asked for', async () => {
    const { post } = await startOpenAiServer()

    const body = { ...chat, max_tokens: 1, logprobs: true, response_format: { type: 'json_object' } }
    const answer = (await (await post('/v1/chat/completions', body)).json()) as Answer

    expect(answer.choices[0]?.message?.content).toMatch(/^[{[]/)
  })

  it("is a regular expression by vLLM's fields, old and new", async () => {
    const server = await startOpenAiServer()

    const { text } = await ask(server, '/v1/chat/completions', {
      ...chat,
      structured_outputs: { regex: '[k-m]{3}-[0-9]' },
    })
    const old = await ask(server, '/v1/completions', { ...completion, guided_regex: '(yes|no)' })

    expect(text).toMatch(/^[k-m]{3}-[0-9]$/)
    expect(old).toMatchObject({ text: expect.stringMatching(/^(yes|no)$/) as string, finish: 'stop' })
  })

  it('goes on where the last message ends', async () => {
    const server = await startOpenAiServer()
    const messages = [...chat.messages, { role: 'assistant', content: '{"word": "x' }]
    const going = { ...chat, messages, continue_final_message: true, add_generation_prompt: false }

    const { text } = await ask(server, '/v1/chat/completions', { ...going, structured_outputs: { json: schema } })

    expect(JSON.parse(`{"word": "x${text}`)).toMatchObject({ word: 'xyz' })
  })
})

describe('a tool that must be called', () => {
  it('is called with what it takes', async () => {
    const server = await startOpenAiServer()

    const required = await ask(server, '/v1/chat/completions', {
      ...chat,
      tools: [weather],
      tool_choice: 'required',
      max_tokens: 60,
      logit_bias: noBlanks,
    })
    const named = { type: 'function', function: { name: 'weather' } }
    const chosen = await ask(server, '/v1/chat/completions', {
      ...chat,
      tools: [weather],
      tool_choice: named,
      max_tokens: 60,
      logit_bias: noBlanks,
    })

    for (const { calls } of [required, chosen]) {
      expect(calls?.[0]?.function).toMatchObject({ name: 'weather' })
      const { arguments: given } = calls?.[0]?.function as { readonly arguments: string }
      expect(JSON.parse(given)).toEqual({ city: 'Oslo' })
    }
  })
})

const chatPath = '/v1/chat/completions'
const badSchema = { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'nonsense' } } }
const refusals: readonly (readonly [what: string, path: string, body: object, param: string])[] = [
  ['an unknown format', chatPath, { ...chat, response_format: { type: 'yaml' } }, 'response_format.type'],
  [
    'a schema that is missing',
    chatPath,
    { ...chat, response_format: { type: 'json_schema' } },
    'response_format.json_schema',
  ],
  ['a schema that means nothing', chatPath, { ...chat, response_format: badSchema }, 'response_format'],
  ['the same, streamed', chatPath, { ...chat, response_format: badSchema, stream: true }, 'response_format'],
  ['a wrong expression', '/v1/completions', { ...completion, guided_regex: '(' }, 'guided_regex'],
  [
    'a wrong expression, in its new place',
    chatPath,
    { ...chat, structured_outputs: { regex: '(' } },
    'structured_outputs',
  ],
  [
    'another grammar',
    chatPath,
    { ...chat, structured_outputs: { grammar: 'root ::= "a"' } },
    'structured_outputs.grammar',
  ],
  ['two forms', chatPath, { ...chat, guided_regex: 'a', response_format: { type: 'json_object' } }, 'guided_regex'],
  ['a call without tools', chatPath, { ...chat, tool_choice: 'required' }, 'tool_choice'],
  [
    'a tool that is not there',
    chatPath,
    { ...chat, tools: [weather], tool_choice: { type: 'function', function: { name: 'news' } } },
    'tool_choice',
  ],
  ['a choice that means nothing', chatPath, { ...chat, tools: [weather], tool_choice: 'perhaps' }, 'tool_choice'],
]

it('what cannot be made is refused with its field, before anything is answered', async () => {
  const { post } = await startOpenAiServer()

  for (const [what, path, body, param] of refusals) {
    const response = await post(path, body)
    const { error } = JSON.parse(await response.text()) as { error: Record<string, unknown> }
    expect([what, response.status, error['type'], error['param']]).toEqual([what, 400, 'invalid_request_error', param])
  }
})
