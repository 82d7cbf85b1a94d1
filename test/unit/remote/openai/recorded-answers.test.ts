/** Texts are read as llama.cpp and llama-cpp-python really sent them, byte for byte. */
import { describe, expect, it } from 'vitest'
import { chat, engineOf, eventsOf, never, textOf } from './engine.js'

const prompt = chat({ input: { prompt: 'The capital of France is' } })

describe('an answer of llama.cpp', () => {
  it('to a chat is told event by event', async () => {
    const events = await eventsOf(await engineOf('llamacpp/chat-stream'))
    expect(events).toEqual([
      { type: 'start', format: {} },
      ...['Hello', ' there', '!', ' I', "'m", ' here'].map((text) => ({ type: 'delta', text })),
      { type: 'finish', reason: 'length', usage: {}, timings: expect.objectContaining({}) as object },
    ])
  })

  it('is counted where the server counts', async () => {
    const events = await eventsOf(await engineOf('llamacpp/chat-stream-usage'))
    expect(events.at(-1)).toMatchObject({
      type: 'finish',
      reason: 'length',
      usage: { promptTokens: 33, completionTokens: 3, cachedTokens: 32 },
      timings: { firstTokenMs: expect.any(Number) as number, inferenceMs: expect.any(Number) as number },
    })
  })

  it('to a prompt is told too', async () => {
    const events = await eventsOf(await engineOf('llamacpp/comp-stream'), prompt)
    expect(textOf(events)).toBe(' Paris.\n\n')
    expect(events.at(-1)).toMatchObject({ reason: 'length', usage: { promptTokens: 5, completionTokens: 4 } })
  })

  it('goes on from a last message', async () => {
    const events = await eventsOf(
      await engineOf('llamacpp/chat-prefill-stream', { continuation: 'message' }),
      chat({ resume: { text: 'Hi there, my', usedTokens: 4 } }),
    )
    expect(textOf(events)).toBe(' name is Elena')
  })

  it.each([
    ['err-too-long-stream', 'CONTEXT_OVERFLOW', 'request (2001 tokens) exceeds the available context size'],
    ['err-malformed', 'REMOTE_REJECTED', 'parse error at line 1'],
    ['auth-bad', 'REMOTE_UNAUTHORIZED', 'answered 401: Invalid API Key'],
    ['chat-stream-n2', 'REMOTE_MALFORMED', 'instead of a stream'],
  ])('that is the refusal %s is %s', async (name, code, message) => {
    await expect(eventsOf(await engineOf(`llamacpp/${name}`))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message) as string,
    })
  })
})

describe('an answer of llama-cpp-python', () => {
  it.each(['chat-stream', 'chat-stream-usage'])('to a chat is told without a count (%s)', async (name) => {
    const events = await eventsOf(await engineOf(`llama-cpp-python/${name}`))
    expect(textOf(events)).toMatch(/^Hello there!/)
    expect(events.at(-1)).toMatchObject({ type: 'finish', reason: 'length', usage: {} })
  })

  it('to a prompt is told', async () => {
    expect(textOf(await eventsOf(await engineOf('llama-cpp-python/comp-stream'), prompt))).toBe(' Paris.\n-')
  })

  it('which another request cut off is no answer, though it says [DONE]', async () => {
    await expect(eventsOf(await engineOf('llama-cpp-python/interrupt-stream1'))).rejects.toMatchObject({
      code: 'REMOTE_FAILED',
      message: expect.stringContaining('said that it was done without a reason to end') as string,
    })
  })

  it('without any event is no answer', async () => {
    await expect(eventsOf(await engineOf('llama-cpp-python/err-too-long-stream'))).rejects.toMatchObject({
      code: 'REMOTE_FAILED',
      message: expect.stringContaining('ended its answer without having answered') as string,
    })
  })

  it('that refuses a schema says so', async () => {
    await expect(eventsOf(await engineOf('llama-cpp-python/chat-json-schema'))).rejects.toMatchObject({
      code: 'REMOTE_FAILED',
      message: expect.stringContaining("Input should be 'text' or 'json_object'") as string,
    })
  })
})

describe('vectors', () => {
  const embed = async (name: string, input: string | string[]) => {
    const engine = await engineOf(name)
    return (await engine.run(engine.placement, { model: 'm', task: 'feature-extraction', input, options: {} }, never))
      .output
  }

  it('of llama.cpp are the same in base64 and in numbers', async () => {
    const [base64] = await embed('llamacpp-embed/emb-base64', 'hello')
    const [numbers] = await embed('llamacpp-embed/emb-float', 'hello')
    expect(base64).toHaveLength(576)
    expect(base64).toEqual(numbers)
  })

  it('come in the order of the texts', async () => {
    const [hello] = await embed('llamacpp-embed/emb-float', 'hello')
    const [first, second] = await embed('llamacpp-embed/emb-batch', ['hello', 'world'])
    expect(first).toHaveLength(576)
    expect(second).not.toEqual(first)
    const products = Array.from(first ?? [], (value, index) => value * (hello?.[index] ?? 0))
    expect(products.reduce((sum, product) => sum + product)).toBeCloseTo(1, 3)
  })

  it.each([
    ['llamacpp-embed/emb-batch', 'hello', 'REMOTE_MALFORMED', 'has 2 items for 1 texts'],
    ['llama-cpp-python/emb-base64', 'hello', 'REMOTE_MALFORMED', 'must be one vector of numbers'],
    ['llamacpp-embed/emb-empty', '', 'REMOTE_REJECTED', 'Input content cannot be empty'],
  ])('of %s are refused', async (name, text, code, message) => {
    await expect(embed(name, text)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message) as string,
    })
  })
})
