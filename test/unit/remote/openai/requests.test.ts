/** A request for text is put into the words that the endpoint's software knows. */
import { describe, expect, it } from 'vitest'
import type { GenerationOptions } from '../../../../packages/sdk/src/contract/index.js'
import type { OpenAiRemoteOptions, OpenAiServer, ReportedLoad } from '../../../../packages/sdk/src/remote/index.js'
import { canAnswer, createOpenAiEngine } from '../../../../packages/sdk/src/remote/index.js'
import { serve } from '../http-server.js'
import { bodyOf, chat, delta, engineWith, eventsOf, finish, never, sending, type Asked } from './engine.js'

const answer = sending(delta('Hi'), finish('stop'))

/** What a server of this kind is asked. */
async function bodyFor(asked: Asked, options: Partial<OpenAiRemoteOptions> = {}): Promise<Record<string, unknown>> {
  const bodies: Record<string, unknown>[] = []
  const engine = await engineWith((request, response) => {
    bodies.push(bodyOf(request))
    answer(request, response)
  }, options)
  await eventsOf(engine, chat(asked))
  return bodies[0] ?? {}
}

const optionsFor = (server: OpenAiServer, options: GenerationOptions) =>
  bodyFor({ options: { seed: 1, ...options } }, { server })

describe('options', () => {
  it('that OpenAI has are said by its names', async () => {
    const options = { seed: 7, temperature: 0, topP: 0.9, maxTokens: 5, stop: ['END'], presencePenalty: 1 }
    expect(await bodyFor({ options })).toEqual({
      model: 'smollm2',
      stream: true,
      stream_options: { include_usage: true },
      messages: [{ role: 'user', content: 'Say hi.' }],
      max_tokens: 5,
      temperature: 0,
      top_p: 0.9,
      presence_penalty: 1,
      seed: 7,
      stop: ['END'],
    })
  })

  const neutral = { topK: 0, minP: 0, repetitionPenalty: 1 }
  it.each<[OpenAiServer, GenerationOptions, object]>([
    ['other', neutral, {}],
    ['other', { topK: 5, minP: 0.1, repetitionPenalty: 1.1 }, { top_k: 5, min_p: 0.1, repetition_penalty: 1.1 }],
    ['vllm', neutral, { top_k: -1, min_p: 0, repetition_penalty: 1 }],
    ['edgeward', neutral, { top_k: 0, min_p: 0, repetition_penalty: 1 }],
    ['llamacpp', neutral, { top_k: 0, min_p: 0, repeat_penalty: 1 }],
    ['llamacpp', { repetitionPenalty: 1.1 }, { repeat_penalty: 1.1, repeat_last_n: 65_536 }],
  ])('beyond OpenAI are said as %s knows them: %o', async (server, options, expected) => {
    const body = await optionsFor(server, options)
    const names = ['top_k', 'min_p', 'repetition_penalty', 'repeat_penalty', 'repeat_last_n']
    expect(Object.fromEntries(Object.entries(body).filter(([name]) => names.includes(name)))).toEqual(expected)
  })

  it.each<[OpenAiServer, GenerationOptions, boolean]>([
    ['vllm', {}, true],
    ['vllm', { stop: 'END' }, false],
    ['edgeward', { stop: 'END' }, true],
    ['llamacpp', {}, false],
    ['other', {}, false],
  ])('ask %s for token ids where they are of the text (%o): %s', async (server, options, asks) => {
    expect((await optionsFor(server, options))['return_token_ids']).toBe(asks || undefined)
  })

  it('hold a text to a schema, or to an expression where that is known to be heeded', async () => {
    const schema = { type: 'object' }
    const body = await optionsFor('other', { responseFormat: { type: 'json_schema', schema } })
    expect(body['response_format']).toEqual({
      type: 'json_schema',
      json_schema: { name: 'answer', schema, strict: true },
    })
    const regex = { type: 'regex', pattern: 'a+' } as const
    for (const server of ['vllm', 'edgeward'] as const)
      expect((await optionsFor(server, { responseFormat: regex }))['structured_outputs']).toEqual({ regex: 'a+' })
    await expect(optionsFor('llamacpp', { responseFormat: regex })).rejects.toMatchObject({ code: 'REMOTE_REJECTED' })
  })

  it('of tools and of messages are those of OpenAI', async () => {
    const toolCall = { id: 'c1', name: 'look', arguments: '{}' }
    const body = await bodyFor({
      input: {
        messages: [
          { role: 'developer', content: 'Be short.' },
          { role: 'assistant', content: '', toolCalls: [toolCall] },
          { role: 'tool', content: '42', toolCallId: 'c1' },
        ],
        tools: [{ name: 'look', parameters: { type: 'object' } }],
      },
      options: { seed: 1, toolChoice: { name: 'look' } },
    })
    expect(body).toMatchObject({
      messages: [
        { role: 'system', content: 'Be short.' },
        {
          role: 'assistant',
          tool_calls: [{ id: 'c1', type: 'function', function: { name: 'look', arguments: '{}' } }],
        },
        { role: 'tool', content: '42', tool_call_id: 'c1' },
      ],
      tools: [{ type: 'function', function: { name: 'look', parameters: { type: 'object' } } }],
      tool_choice: { type: 'function', function: { name: 'look' } },
    })
  })
})

describe('an endpoint that refuses a field', () => {
  it.each([
    [
      'max_tokens',
      "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
      'max_completion_tokens',
    ],
    ['stream_options', 'stream_options is not allowed', undefined],
  ])('called %s is asked without it, and so from then on', async (field, message, instead) => {
    const bodies: Record<string, unknown>[] = []
    const engine = await engineWith((request, response) => {
      const body = bodyOf(request)
      bodies.push(body)
      if (field in body) response.writeHead(400).end(JSON.stringify({ error: { message } }))
      else answer(request, response)
    })
    const request = chat({ options: { seed: 1, maxTokens: 5 } })
    await eventsOf(engine, request)
    await eventsOf(engine, request)
    expect(bodies).toHaveLength(3)
    expect(bodies[2]).not.toHaveProperty(field)
    if (instead !== undefined) expect(bodies[2]).toHaveProperty(instead, 5)
  })
})

describe('which software answers', () => {
  it.each([
    ['vllm', true],
    ['llamacpp', undefined],
    ['somebody', undefined],
  ])('is asked once, and told by its models: %s', async (owner, asksIds) => {
    const seen: unknown[] = []
    const url = await serve((request, response) => {
      seen.push(request.url)
      if (request.method === 'GET') response.end(JSON.stringify({ data: [{ id: 'm', owned_by: owner }] }))
      else {
        seen.push(bodyOf(request)['return_token_ids'])
        answer(request, response)
      }
    })
    const engine = createOpenAiEngine({ protocol: 'openai', url: `${url}/v1/` })
    await eventsOf(engine)
    await eventsOf(engine)
    const asked = ['/v1/chat/completions', asksIds]
    expect(seen).toEqual(['/v1/models', ...asked, ...asked])
  })

  it('is asked again where it was starting', async () => {
    const asked: unknown[] = []
    const url = await serve((request, response) => {
      if (request.method !== 'GET') {
        asked.push(bodyOf(request)['return_token_ids'])
        answer(request, response)
      } else if (asked.push('models') === 1) response.writeHead(503).end('{"error":"Loading model"}')
      else response.end(JSON.stringify({ data: [{ id: 'm', owned_by: 'vllm' }] }))
    })
    const engine = createOpenAiEngine({ protocol: 'openai', url: `${url}/v1` })
    await expect(eventsOf(engine)).rejects.toMatchObject({ code: 'REMOTE_OVERLOADED' })
    await eventsOf(engine)
    expect(asked).toEqual(['models', 'models', true])
  })

  it('tells its load where somebody listens', async () => {
    const loads: ReportedLoad[] = []
    const url = await serve((request, response) => {
      if (request.headers['endpoint-load-metrics-format'] === 'json') {
        response.setHeader('endpoint-load-metrics', 'JSON {"application_utilization":0.5}')
      }
      answer(request, response)
    })
    const options = { protocol: 'openai', url: `${url}/v1`, server: 'vllm' } as const
    await eventsOf(createOpenAiEngine(options, (_, load) => void loads.push(load)))
    await eventsOf(createOpenAiEngine({ ...options, loadReports: false }, (_, load) => void loads.push(load)))
    expect(loads).toEqual([{ utilization: 0.5 }])
  })
})

describe('a model', () => {
  it.each([
    [{}, 'hf:org/repo@main', 'org/repo'],
    [{ model: 'served' }, 'mine', 'served'],
    [{ models: { mine: 'theirs' } }, 'mine@abc', 'theirs'],
  ])('is called as %o says: %s is %s', async (options, model, name) => {
    let asked: unknown
    const engine = await engineWith((request, response) => {
      asked = bodyOf(request)['model']
      answer(request, response)
    }, options)
    await eventsOf(engine, { ...chat(), model })
    expect(asked).toBe(name)
  })

  it('that the endpoint does not have is not asked for', async () => {
    const options = { protocol: 'openai', url: 'http://localhost:1/v1', models: { mine: 'theirs' } } as const
    expect(canAnswer(options, 'text-generation', 'mine@abc')).toBe(true)
    expect(canAnswer(options, 'text-generation', 'other')).toBe(false)
    expect(canAnswer(options, 'image-to-text', 'mine')).toBe(false)
    expect(canAnswer({ protocol: 'oip', url: 'http://localhost:1' }, 'text-generation', 'mine')).toBe(false)
    const engine = createOpenAiEngine({ ...options, server: 'other' })
    await expect(eventsOf(engine, { ...chat(), model: 'other' })).rejects.toMatchObject({ code: 'REMOTE_NOT_FOUND' })
  })
})

describe('a task', () => {
  it('that collects a text gives the whole of it', async () => {
    const engine = await engineWith(
      sending(delta('Hi'), delta('!'), finish('stop'), {
        choices: [],
        usage: { prompt_tokens: 3, completion_tokens: 2 },
      }),
    )
    const { output } = await engine.run(engine.placement, { ...chat(), task: 'text-generation' }, never)
    expect(output).toMatchObject({
      text: 'Hi!',
      finishReason: 'stop',
      usage: { promptTokens: 3, completionTokens: 2 },
      segments: [{ placement: engine.placement, from: 0, to: 3 }],
    })
  })

  it('that the protocol does not have is refused', async () => {
    const engine = await engineWith(answer)
    const request = { model: 'm', task: 'tensors', input: {}, options: {} } as const
    await expect(engine.run(engine.placement, request, never)).rejects.toMatchObject({ code: 'UNSUPPORTED_TASK' })
  })

  it.each([
    [200, true],
    [401, true],
    [503, false],
  ])('is possible where the endpoint answers %i: %s', async (status, isReady) => {
    const engine = await engineWith((_, response) => response.writeHead(status).end('{}'))
    await expect(engine.isReady()).resolves.toBe(isReady)
  })
})
