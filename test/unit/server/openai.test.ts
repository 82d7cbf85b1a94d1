/* eslint-disable @typescript-eslint/no-deprecated -- OpenAI calls seed and max_tokens deprecated; everybody else's servers have nothing else */
/** Texts by OpenAI's routes, asked by the real `openai` client and by plain requests. */
import { describe, expect, it } from 'vitest'
import { metric } from './support/start-server.js'
import { startOpenAiServer } from './support/start-openai-server.js'

const alphabet = 'abcdefghijklmnopqrstuvwxyz'
const chat = { model: 'alphabet', messages: [{ role: 'user' as const, content: 'hello' }], temperature: 0 }

/** The JSON of each `data:` line; `[DONE]` as it is. */
async function readSse(response: Response): Promise<unknown[]> {
  const text = await response.text()
  return text
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => event.replace(/^data: /, ''))
    .map((data) => (data === '[DONE]' ? data : (JSON.parse(data) as unknown)))
}

describe('POST /v1/chat/completions', () => {
  it('answers a chat with its usage', async () => {
    const { client } = await startOpenAiServer()

    const answer = await client.chat.completions.create(chat)

    expect(answer).toMatchObject({
      object: 'chat.completion',
      model: 'alphabet',
      choices: [{ index: 0, message: { role: 'assistant', content: alphabet }, finish_reason: 'stop', logprobs: null }],
    })
    expect(answer.usage?.completion_tokens).toBeGreaterThanOrEqual(26)
    expect(answer.usage?.total_tokens).toBe((answer.usage?.prompt_tokens ?? 0) + (answer.usage?.completion_tokens ?? 0))
  })

  it('streams the role first, then the text, why it ended, the usage where it is asked for, and [DONE]', async () => {
    const { post } = await startOpenAiServer()

    const response = await post('/v1/chat/completions', {
      ...chat,
      max_tokens: 3,
      stream: true,
      stream_options: { include_usage: true },
    })

    expect(response.headers.get('Content-Type')).toBe('text/event-stream; charset=utf-8')
    const events = await readSse(response)
    const chunk = { object: 'chat.completion.chunk', model: 'alphabet', usage: null }
    const choice = (delta: object, finish_reason: string | null = null) => ({
      ...chunk,
      choices: [{ index: 0, delta, logprobs: null, finish_reason }],
    })
    expect(events).toMatchObject([
      choice({ role: 'assistant', content: '' }),
      choice({ content: 'a' }),
      choice({ content: 'b' }),
      choice({ content: 'c' }),
      choice({}, 'length'),
      { object: 'chat.completion.chunk', choices: [], usage: { completion_tokens: 3 } },
      '[DONE]',
    ])
  })

  it('streams to the openai client, which hears why it ended', async () => {
    const { client } = await startOpenAiServer()

    const stream = await client.chat.completions.create({ ...chat, stream: true })
    let text = ''
    let reason: string | null = null
    for await (const { choices } of stream) {
      text += choices[0]?.delta.content ?? ''
      reason = choices[0]?.finish_reason ?? reason
    }

    expect({ text, reason }).toEqual({ text: alphabet, reason: 'stop' })
  })

  it('goes on with the last message without repeating it', async () => {
    const { post } = await startOpenAiServer()
    const messages = [...chat.messages, { role: 'assistant', content: 'abcde' }]
    const going = { ...chat, messages, continue_final_message: true, add_generation_prompt: false }

    const whole = (await (await post('/v1/chat/completions', going)).json()) as object
    const events = await readSse(await post('/v1/chat/completions', { ...going, stream: true }))

    expect(whole).toMatchObject({ choices: [{ message: { content: alphabet.slice(5) } }] })
    const deltas = events.map((event) => (event as { choices?: { delta: { content?: string } }[] }).choices?.[0]?.delta)
    expect(deltas.map((delta) => delta?.content ?? '').join('')).toBe(alphabet.slice(5))
  })

  it('ends at a stop text, and gives n answers', async () => {
    const { client } = await startOpenAiServer()

    const { choices } = await client.chat.completions.create({ ...chat, stop: ['hi'], n: 2 })

    expect(choices.map(({ index, message, finish_reason }) => [index, message.content, finish_reason])).toEqual([
      [0, 'abcdefg', 'stop'],
      [1, 'abcdefg', 'stop'],
    ])
  })

  it('gives the same text for the same seed, and another for another', async () => {
    const { client } = await startOpenAiServer()
    const ask = async (seed: number) => {
      const { choices } = await client.chat.completions.create({ ...chat, temperature: 2, seed, max_tokens: 24 })
      return choices[0]?.message.content
    }

    const [one, again, other] = [await ask(1), await ask(1), await ask(2)]

    expect(again).toBe(one)
    expect(other).not.toBe(one)
  })

  it('tells log probabilities, and token ids where they are asked for', async () => {
    const { post } = await startOpenAiServer()
    const body = { ...chat, max_tokens: 2, logprobs: true, top_logprobs: 2, return_token_ids: true }

    const answer = (await (await post('/v1/chat/completions', body)).json()) as {
      prompt_token_ids: number[]
      choices: { token_ids: number[]; logprobs: { content: { token: string; top_logprobs: unknown[] }[] } }[]
    }

    expect(answer.prompt_token_ids[0]).toBe(257)
    expect(answer.choices[0]?.token_ids).toEqual([97, 98])
    expect(answer.choices[0]?.logprobs.content.map(({ token }) => token)).toEqual(['a', 'b'])
    expect(answer.choices[0]?.logprobs.content[0]?.top_logprobs).toHaveLength(2)
  })

  it('never cuts a character in two', async () => {
    const { client } = await startOpenAiServer()

    const stream = await client.completions.create({ model: 'alphabet', prompt: 'x{', temperature: 0, stream: true })
    const texts: string[] = []
    for await (const { choices } of stream) texts.push(choices[0]?.text ?? '')

    expect(texts.filter((text) => text !== '')).toEqual(['é'])
  })
})

describe('POST /v1/completions', () => {
  it('takes texts and token ids, one or many, and answers each', async () => {
    const { client } = await startOpenAiServer()
    const ask = async (prompt: string | string[] | number[] | number[][]) => {
      const { choices } = await client.completions.create({ model: 'alphabet', prompt, max_tokens: 3, temperature: 0 })
      return choices.map(({ text }) => text)
    }

    expect(await ask('abc')).toEqual(['def'])
    expect(await ask(['abc', 'x'])).toEqual(['def', 'yz'])
    expect(await ask([97, 98])).toEqual(['cde'])
    expect(await ask([[97], [104, 105]])).toEqual(['bcd', 'jkl'])
  })

  it('goes on from token ids as if it had never been cut', async () => {
    const { post } = await startOpenAiServer()
    const ask = async (prompt: number[]) => {
      const body = { model: 'alphabet', prompt, temperature: 0, max_tokens: 40, return_token_ids: true }
      const answer = (await (await post('/v1/completions', body)).json()) as { choices: { token_ids: number[] }[] }
      return answer.choices[0]?.token_ids ?? []
    }
    const whole = await ask([97])

    for (const cut of [1, 7, 20])
      expect([...whole.slice(0, cut), ...(await ask([97, ...whole.slice(0, cut)]))]).toEqual(whole)
  })

  it('goes on behind what is written as if it had written it: penalties and the seed know of it', async () => {
    const { post } = await startOpenAiServer()
    const drawn = { temperature: 2, seed: 5, frequency_penalty: 1, return_token_ids: true }
    const ask = async (maxTokens: number, resume?: { text: string; token_ids: number[] }) => {
      const body = { model: 'alphabet', prompt: 'a', ...drawn, max_tokens: maxTokens, resume }
      const { choices } = (await (await post('/v1/completions', body)).json()) as {
        choices: { text: string; token_ids: number[] }[]
      }
      return choices[0] ?? { text: '', token_ids: [] }
    }
    const whole = await ask(24)

    for (const cut of [1, 7, 20]) {
      const { text, token_ids: ids } = await ask(cut)
      // A character that is not whole is not told, and its ids are not either.
      const rest = await ask(24 - ids.length, ids.length > 0 ? { text, token_ids: ids } : undefined)
      expect([text + rest.text, [...ids, ...rest.token_ids]]).toEqual([whole.text, whole.token_ids])
    }
  })

  it('tells log probabilities in the shape of completions', async () => {
    const { client } = await startOpenAiServer()

    const { choices } = await client.completions.create({
      ...{ model: 'alphabet', prompt: 'a', max_tokens: 2, temperature: 0, logprobs: 2 },
    })

    expect(choices[0]?.logprobs).toMatchObject({ tokens: ['b', 'c'], text_offset: [0, 1] })
    expect(Object.keys(choices[0]?.logprobs?.top_logprobs?.[0] ?? {})).toHaveLength(2)
  })
})

describe('streams at the same time', () => {
  it('writes several in turn, lets others wait, and refuses those that are too many', async () => {
    const { url, post } = await startOpenAiServer({ maxConcurrentStreams: 2, maxQueuedRequests: 1 })
    const open = async () => {
      const response = await post('/v1/completions', { model: 'alphabet', prompt: 'A', max_tokens: 200, stream: true })
      const reader = response.body?.getReader()
      await reader?.read()
      return { response, reader }
    }
    const [first, second] = [await open(), await open()]
    const third = post('/v1/completions', { model: 'alphabet', prompt: 'A', max_tokens: 2 })
    await expect.poll(() => metric(url, 'edgeward_queue_length', 'model="alphabet"')).toBe(1)

    const fourth = await post('/v1/completions', { model: 'alphabet', prompt: 'A', max_tokens: 2 })

    expect(fourth.status).toBe(503)
    expect(fourth.headers.get('Retry-After')).toBe('1')
    expect(await fourth.json()).toMatchObject({ error: { type: 'server_error', code: 'overloaded' } })
    await first.reader?.cancel()
    expect(await (await third).json()).toMatchObject({ choices: [{ finish_reason: 'length' }] })
    await second.reader?.cancel()
  })

  it('ends the generation when the client has gone', async () => {
    const { url, client } = await startOpenAiServer({ maxConcurrentStreams: 1 })
    const stream = await client.completions.create({ model: 'alphabet', prompt: 'A', max_tokens: 250, stream: true })
    await stream[Symbol.asyncIterator]().next()
    stream.controller.abort()

    await expect.poll(() => metric(url, 'edgeward_requests_running', 'model="alphabet"')).toBe(0)
    const { choices } = await client.completions.create({ model: 'alphabet', prompt: 'x', temperature: 0 })
    expect(choices[0]?.text).toBe('yz')
  })

  it('lets a stream end when it shuts down, and takes no new one', async () => {
    const { app, post } = await startOpenAiServer()
    const response = await post('/v1/chat/completions', { ...chat, stream: true })

    const closed = app.close()
    const events = await readSse(response)
    await closed

    expect(events.at(-1)).toBe('[DONE]')
    await expect(post('/v1/chat/completions', chat)).rejects.toThrow()
  })

  it('counts tokens, and tells its load to who asks for it', async () => {
    const { url, post } = await startOpenAiServer()
    const headers = { 'endpoint-load-metrics-format': 'json' }

    const response = await post('/v1/chat/completions', { ...chat, max_tokens: 5 }, { headers })

    expect(response.headers.get('endpoint-load-metrics')).toMatch(/^JSON .*requests_running/)
    expect(await metric(url, 'edgeward_tokens_total', 'model="alphabet",kind="generated"')).toBe(5)
    expect(await metric(url, 'edgeward_tokens_total', 'model="alphabet",kind="prompt"')).toBeGreaterThan(5)
  })
})
