/** What OpenAI's routes do not take, each in OpenAI's shape with the field that is wrong; and what else lies below /v1. */
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import { startOpenAiServer } from './support/start-openai-server.js'

const chat = { model: 'alphabet', messages: [{ role: 'user', content: 'hello' }] }
const completion = { model: 'alphabet', prompt: 'a' }

const refusals: readonly (readonly [what: string, path: string, body: object, param: string])[] = [
  ['no messages', '/v1/chat/completions', { model: 'alphabet' }, 'messages'],
  [
    'an unknown role',
    '/v1/chat/completions',
    { ...chat, messages: [{ role: 'robot', content: '' }] },
    'messages[0].role',
  ],
  [
    'a picture',
    '/v1/chat/completions',
    { ...chat, messages: [{ role: 'user', content: [{ type: 'image_url' }] }] },
    'messages[0].content[0].type',
  ],
  ['a temperature that is a text', '/v1/chat/completions', { ...chat, temperature: 'hot' }, 'temperature'],
  ['too many top_logprobs', '/v1/chat/completions', { ...chat, logprobs: true, top_logprobs: 21 }, 'top_logprobs'],
  ['top_logprobs alone', '/v1/chat/completions', { ...chat, top_logprobs: 2 }, 'top_logprobs'],
  [
    'a continuation of nothing',
    '/v1/chat/completions',
    { ...chat, continue_final_message: true },
    'continue_final_message',
  ],
  ['no generation prompt', '/v1/chat/completions', { ...chat, add_generation_prompt: false }, 'add_generation_prompt'],
  ['an echo', '/v1/completions', { ...completion, echo: true }, 'echo'],
  [
    'one answer so far of several',
    '/v1/completions',
    { ...completion, prompt: ['a', 'b'], resume: { text: 'c' } },
    'resume',
  ],
  ['an empty list of prompts', '/v1/completions', { ...completion, prompt: [] }, 'prompt'],
  ['a prompt that is an object', '/v1/completions', { ...completion, prompt: {} }, 'prompt'],
  ['chosen dimensions', '/v1/embeddings', { model: 'vectors', input: 'a', dimensions: 1 }, 'dimensions'],
  ['an empty input', '/v1/embeddings', { model: 'vectors', input: '' }, 'input'],
  ['a model of another task', '/v1/embeddings', { model: 'alphabet', input: 'a' }, 'model'],
]

describe("OpenAI's routes", () => {
  it('refuse what they do not take, and name the field', async () => {
    const { post } = await startOpenAiServer()

    for (const [what, path, body, param] of refusals) {
      const response = await post(path, body)
      const { error } = (await response.json()) as { error: Record<string, unknown> }
      expect([what, response.status, error['type'], error['param']]).toEqual([
        what,
        400,
        'invalid_request_error',
        param,
      ])
      expect(typeof error['message']).toBe('string')
    }
  })

  it('ignore fields that they do not know', async () => {
    const { post } = await startOpenAiServer()

    const response = await post('/v1/chat/completions', {
      ...chat,
      temperature: null,
      user: 'me',
      metadata: {},
      max_tokens: 1,
    })

    expect(response.status).toBe(200)
  })

  it('refuse a body that is no JSON, an unknown model, another verb and another address, each in the same shape', async () => {
    const { url, post } = await startOpenAiServer()

    const answers = [
      await post('/v1/chat/completions', '{'),
      await post('/v1/chat/completions', { ...chat, model: 'nobody' }),
      await fetch(`${url}/v1/chat/completions`),
      await fetch(`${url}/v1/nothing`),
    ]

    expect(answers.map(({ status }) => status)).toEqual([400, 404, 405, 404])
    for (const answer of answers) {
      expect(Object.keys(((await answer.json()) as { error: object }).error)).toEqual([
        'message',
        'type',
        'param',
        'code',
      ])
    }
  })

  it('are told apart by the openai client: unknown models, wrong keys, prompts that are too long', async () => {
    const { client, url } = await startOpenAiServer({ keys: ['right'] })
    const stranger = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'wrong', maxRetries: 0 })
    const ask = (asked: OpenAI, model: string, prompt: string) => asked.completions.create({ model, prompt })

    await expect(ask(client, 'nobody', 'a')).rejects.toMatchObject({ status: 404, code: 'model_not_found' })
    await expect(ask(stranger, 'alphabet', 'a')).rejects.toMatchObject({ status: 401, code: 'invalid_api_key' })
    const tooLong = { status: 400, code: 'context_length_exceeded' }
    await expect(ask(client, 'alphabet', 'a'.repeat(300))).rejects.toMatchObject(tooLong)
  })

  it('list what can be asked', async () => {
    const { client } = await startOpenAiServer()

    const { data } = await client.models.list()

    expect(data).toMatchObject([
      { id: 'alphabet', object: 'model', owned_by: 'edgeward', max_model_len: 256 },
      { id: 'vectors', object: 'model', owned_by: 'edgeward' },
    ])
    expect(await client.models.retrieve('alphabet')).toEqual(data[0])
    await expect(client.models.retrieve('nobody')).rejects.toMatchObject({ status: 404 })
  })

  it('may be asked by pages of other origins', async () => {
    const { post } = await startOpenAiServer()

    const response = await post(
      '/v1/chat/completions',
      { ...chat, max_tokens: 1, stream: true },
      { headers: { Origin: 'https://a.example' } },
    )

    expect(response.headers.get('Access-Control-Allow-Origin')).toBe('*')
    await response.text()
  })
})

describe('the Open Inference Protocol', () => {
  it('knows of a language model, says that it is ready, and sends who wants to infer to the right address', async () => {
    const { url, post } = await startOpenAiServer()

    expect((await fetch(`${url}/v2/models/alphabet/ready`)).status).toBe(200)
    const response = await post('/v2/models/alphabet/infer', { inputs: [] })

    expect(response.status).toBe(400)
    expect(((await response.json()) as { error: string }).error).toContain('/v1/chat/completions')
  })
})
