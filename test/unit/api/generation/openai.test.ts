import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import type { Client } from '../../../../packages/sdk/src/api/client-surface.js'
import { GenerationStream, type Generating } from '../../../../packages/sdk/src/api/generation-stream.js'
import { openAiSurface } from '../../../../packages/sdk/src/api/openai-surface.js'
import type { GenerateRequest } from '../../../../packages/sdk/src/api/options.js'
import type { GenerationOutput, GenerationPart, Result } from '../../../../packages/sdk/src/contract/index.js'
import { EdgewardError } from '../../../../packages/sdk/src/errors/index.js'
import { abortable } from '../../../../packages/sdk/src/shared/index.js'

const usage = { promptTokens: 3, completionTokens: 2 }
const call = { id: 'call_1', name: 'f', arguments: '{"a":1}' }
const answer = { text: 'Hello', toolCalls: [], finishReason: 'stop', segments: [] } as const
const part = (one: Omit<GenerationPart, 'index'>) => ({ index: 0, ...one }) as GenerationPart
const hello = [
  part({ type: 'text-start' }),
  part({ type: 'text-delta', text: 'Hel' } as GenerationPart),
  part({ type: 'text-delta', text: 'lo' } as GenerationPart),
  part({ type: 'finish', reason: 'stop', usage, timings: {}, segments: [] } as unknown as GenerationPart),
]

interface Fake {
  /** `waits`: for the end of the signal. */
  readonly parts?: readonly (GenerationPart | 'waits' | undefined)[]
  readonly output?: Partial<GenerationOutput>
  readonly failure?: EdgewardError
}

/** The real surface over a client that answers so. */
function openAi({ parts = hello, output = {}, failure }: Fake = {}) {
  const asked: { model: string; request: GenerateRequest }[] = []
  const ends: string[] = []
  async function* write(signals: readonly (AbortSignal | undefined)[]): Generating {
    const signal = AbortSignal.any(signals.filter((one) => one !== undefined))
    try {
      for (const one of parts) {
        if (one === 'waits') await abortable(new Promise(() => undefined), signal)
        else if (one) yield one
      }
      if (failure) throw failure
      const whole = { ...answer, usage, timings: {}, answers: [answer], ...output }
      return { output: whole } as unknown as Result<GenerationOutput>
    } finally {
      ends.push('ended')
    }
  }
  const client: Pick<Client, 'generate' | 'pipeline' | 'models'> = {
    generate(model: string, request: GenerateRequest) {
      asked.push({ model, request })
      return new GenerationStream(async (leaving) => write([leaving, request.signal]))
    },
    pipeline: () => async () => ({ output: [Float32Array.of(1, -0.5)] }) as never,
    models: { list: async () => [{ id: 'smollm2' }] } as unknown as Client['models'],
  }
  const { fetch } = openAiSurface(client)
  const sdk = new OpenAI({ baseURL: 'https://edgeward.invalid/v1', apiKey: '-', fetch, maxRetries: 2 })
  return { sdk, asked, ends, fetch, edge: openAiSurface(client) }
}

const chat = { model: 'smollm2', messages: [{ role: 'user' as const, content: 'Hi' }] }

describe('the openai package, through edge.fetch', () => {
  it('has a whole answer', async () => {
    const { sdk, asked } = openAi()
    const completion = await sdk.chat.completions.create({
      ...{ ...chat, max_completion_tokens: 5, temperature: 0, top_p: 0.9, stop: ['x'] },
    })
    expect(completion.choices[0]?.message.content).toBe('Hello')
    expect(completion.choices[0]?.finish_reason).toBe('stop')
    expect(completion.usage).toMatchObject({ prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 })
    expect(asked[0]?.model).toBe('smollm2')
    expect(asked[0]?.request).toMatchObject({
      messages: [{ role: 'user', content: 'Hi' }],
      ...{ maxTokens: 5, temperature: 0, topP: 0.9, stop: ['x'] },
    })
  })

  it('streams', async () => {
    const { sdk, asked } = openAi()
    const stream = await sdk.chat.completions.create({ ...chat, stream: true, stream_options: { include_usage: true } })
    const chunks = []
    for await (const chunk of stream) chunks.push(chunk)
    expect(chunks[0]?.choices[0]?.delta).toEqual({ role: 'assistant', content: '' })
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe('Hello')
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop')
    expect(chunks.at(-1)?.usage?.total_tokens).toBe(5)
    expect(asked[0]?.request.onSeam).toBe('error')
  })

  it('has tool calls, whole and streamed', async () => {
    const parts = [
      part({ type: 'tool-call-delta', call: 0, id: call.id, name: 'f', arguments: '' } as GenerationPart),
      part({ type: 'tool-call-delta', call: 0, id: call.id, arguments: '{"a":1}' } as GenerationPart),
      part({ type: 'tool-call', call: 0, toolCall: call } as GenerationPart),
      part({ type: 'finish', reason: 'tool-calls', usage, timings: {}, segments: [] } as unknown as GenerationPart),
    ]
    const answers = [{ ...answer, text: '', toolCalls: [call], finishReason: 'tool-calls' as const }]
    const tools = [{ type: 'function' as const, function: { name: 'f', parameters: { type: 'object' } } }]
    const { sdk, asked } = openAi({ parts, output: { answers } })
    const whole = await sdk.chat.completions.create({ ...chat, tools, tool_choice: 'required' })
    expect(whole.choices[0]?.message).toMatchObject({
      content: null,
      tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }],
    })
    expect(asked[0]?.request).toMatchObject({
      tools: [{ name: 'f', parameters: { type: 'object' } }],
      toolChoice: 'required',
    })
    const streamed = await sdk.chat.completions.stream({ ...chat, tools }).finalChatCompletion()
    expect(streamed.choices[0]?.message.tool_calls?.[0]?.function).toMatchObject({ name: 'f', arguments: '{"a":1}' })
    expect(streamed.choices[0]?.finish_reason).toBe('tool_calls')
  })

  it('ends the generation when its reader stops', async () => {
    const { sdk, ends } = openAi()
    const stream = await sdk.chat.completions.create({ ...chat, stream: true })
    for await (const chunk of stream) {
      expect(chunk.choices).toHaveLength(1)
      break
    }
    await expect.poll(() => ends).toEqual(['ended'])
  })

  it('hears of failures as errors, and asks once', async () => {
    const failure = new EdgewardError('NO_PLACEMENT', 'Nothing can run it.')
    const { sdk, asked } = openAi({ parts: [], failure })
    await expect(sdk.chat.completions.create(chat)).rejects.toMatchObject({ status: 503, code: 'NO_PLACEMENT' })
    expect(asked).toHaveLength(1)
    const streamed = sdk.chat.completions.create({ ...chat, stream: true })
    await expect(streamed).rejects.toMatchObject({ status: 503, code: 'NO_PLACEMENT' })
    const { sdk: later } = openAi({ parts: hello.slice(0, 2), failure })
    const stream = await later.chat.completions.create({ ...chat, stream: true })
    const read = async () => {
      for await (const chunk of stream) expect(chunk.choices).toHaveLength(1)
    }
    await expect(read()).rejects.toThrow('Nothing can run it.')
  })

  it('ends a stream quietly that it aborts while it waits', async () => {
    const { sdk, ends } = openAi({ parts: [hello[0], 'waits'] })
    const stream = await sdk.chat.completions.create({ ...chat, stream: true })
    const reading = (async () => {
      for await (const chunk of stream) expect(chunk.choices).toHaveLength(1)
      return 'read'
    })()
    await new Promise((resolve) => setImmediate(resolve))
    stream.controller.abort()
    expect(await reading).toBe('read')
    expect(ends).toEqual(['ended'])
  })

  it('has texts, embeddings and the names of models', async () => {
    const { sdk, asked } = openAi()
    const text = await sdk.completions.create({ model: 'smollm2', prompt: [1, 2], max_tokens: 3 })
    expect(text.choices[0]?.text).toBe('Hello')
    expect(asked[0]?.request).toMatchObject({ prompt: [1, 2], maxTokens: 3 })
    const { data } = await sdk.embeddings.create({ model: 'minilm', input: 'a' })
    expect(data[0]?.embedding).toEqual([1, -0.5])
    expect((await sdk.models.list()).data.map(({ id }) => id)).toEqual(['smollm2'])
    expect((await sdk.models.retrieve('smollm2')).id).toBe('smollm2')
    await expect(sdk.models.retrieve('x')).rejects.toMatchObject({ status: 404 })
  })

  it('is refused what is not there', async () => {
    const { sdk, fetch } = openAi()
    await expect(sdk.images.generate({ model: 'x', prompt: 'a cat' })).rejects.toMatchObject({ status: 404 })
    const noJson = await fetch('https://edgeward.invalid/v1/chat/completions', { method: 'POST', body: '{' })
    expect(noJson.status).toBe(400)
    const image = [{ type: 'image_url' as const, image_url: { url: 'x' } }]
    const seen = sdk.chat.completions.create({ ...chat, messages: [{ role: 'user', content: image }] })
    await expect(seen).rejects.toMatchObject({ status: 400, param: 'messages' })
  })

  it.each([
    ['messages', { messages: [null] }],
    ['messages', { messages: [{ role: 'user', content: [1] }] }],
    ['tools', { tools: [{}] }],
    ['tool_choice', { tool_choice: { type: 'function' } }],
    ['response_format', { response_format: { type: 'yaml' } }],
    ['response_format', { response_format: 'json' }],
    ['response_format', { response_format: { type: 'json_schema' } }],
    ['logprobs', { logprobs: 3, prompt: 'a' }, 'completions'],
  ])('is told that %s is wrong in %j', async (param, wrong, path = 'chat/completions') => {
    const { fetch } = openAi()
    const body = JSON.stringify({ ...chat, ...wrong })
    const answered = await fetch(`https://edgeward.invalid/v1/${path}`, { method: 'POST', body })
    expect(answered.status).toBe(400)
    expect(await answered.json()).toMatchObject({ error: { param, type: 'invalid_request_error' } })
  })

  it('ends the generation when the body is not read on while it waits', async () => {
    const { fetch, ends } = openAi({ parts: [hello[0], 'waits'] })
    const body = JSON.stringify({ ...chat, stream: true })
    const answered = await fetch('https://edgeward.invalid/v1/chat/completions', { method: 'POST', body })
    const reader = answered.body?.getReader()
    await reader?.read()
    const waiting = reader?.read()
    await reader?.cancel()
    expect(await waiting).toMatchObject({ done: true })
    expect(ends).toEqual(['ended'])
  })

  it('has numbers where a token cannot be', async () => {
    const logprobs = [{ token: 'a', logprob: -Infinity }]
    const { sdk } = openAi({ output: { answers: [{ ...answer, logprobs }] } })
    const whole = await sdk.chat.completions.create({ ...chat, logprobs: true })
    expect(whole.choices[0]?.logprobs?.content?.[0]?.logprob).toBe(-9999)
  })
})

it('the same is offered without a fetch', async () => {
  const { edge } = openAi()
  const whole = await edge.chat.completions.create(chat)
  expect(whole.choices[0]?.message.content).toBe('Hello')
  let text = ''
  for await (const chunk of await edge.chat.completions.create({ ...chat, stream: true })) {
    text += chunk.choices[0]?.delta.content ?? ''
  }
  expect(text).toBe('Hello')
  const vectors = await edge.embeddings.create({ model: 'minilm', input: 'a', encoding_format: 'float' })
  expect(vectors.data[0]?.embedding).toEqual([1, -0.5])
})

it('a request that is aborted rejects with its own reason', async () => {
  const { fetch } = openAi()
  const gone = AbortSignal.abort(new DOMException('gone', 'AbortError'))
  const body = JSON.stringify({ ...chat, messages: 1 })
  await expect(
    fetch('https://edgeward.invalid/v1/chat/completions', { method: 'POST', body, signal: gone }),
  ).rejects.toThrow('gone')
})
