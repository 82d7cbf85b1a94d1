/** Texts from llama.cpp's own server: whole, aborted, and gone on with where they were cut. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { GenerationEvent, GenerationResume, StreamRequest } from '../../packages/sdk/src/contract/index.js'
import { createOpenAiEngine, type OpenAiRemoteOptions } from '../../packages/sdk/src/remote/index.js'
import { startLlamaCpp, type RunningServer } from './support/llamacpp.js'

const never = new AbortController().signal
const messages = [
  { role: 'user', content: 'Name three animals that live in the sea, and say a little of each.' },
] as const
const maxTokens = 32
/** Where the suites run, much else does. */
const patient = { timeoutMs: 150_000, stallMs: 150_000 }
const greedy = { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 1, maxTokens }

let server: RunningServer
beforeAll(async () => {
  server = await startLlamaCpp('smollm2')
})
afterAll(() => server.stop())

function engineOf(options: Partial<OpenAiRemoteOptions> = {}) {
  return createOpenAiEngine({ protocol: 'openai', url: `${server.url}/v1`, model: 'smollm2', ...patient, ...options })
}

function asked(more: Partial<StreamRequest> = {}): StreamRequest {
  return { model: 'smollm2-135m-instruct', task: 'text-generation', input: { messages }, options: greedy, ...more }
}

async function write(request: StreamRequest, engine = engineOf()): Promise<GenerationEvent[]> {
  const events: GenerationEvent[] = []
  const reader = engine.stream?.(engine.placement, request, never).getReader()
  for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) events.push(read.value)
  return events
}

function textsOf(events: readonly GenerationEvent[]): string[] {
  return events.flatMap((event) => (event.type === 'delta' ? [event.text] : []))
}

async function post(path: string, body: object): Promise<unknown> {
  const answer = await fetch(server.url + path, { method: 'POST', body: JSON.stringify(body) })
  expect(answer.status).toBe(200)
  return answer.json()
}

describe('llama.cpp', () => {
  it('is ready, and says which software it is', async () => {
    await expect(engineOf().isReady()).resolves.toBe(true)
  })

  it('answers a chat, counted and timed', async () => {
    const events = await write(asked())
    expect(textsOf(events).join('').length).toBeGreaterThan(50)
    expect(events[0]).toEqual({ type: 'start', format: {} })
    expect(events.at(-1)).toMatchObject({
      type: 'finish',
      usage: { completionTokens: maxTokens },
      reason: 'length',
      timings: { tokensPerSecond: expect.any(Number) as number },
    })
  })

  it('goes on with a prompt, given as text or as token ids, with log probabilities', async () => {
    const { tokens } = (await post('/tokenize', { content: 'The capital of France is' })) as { tokens: number[] }
    const options = { ...greedy, maxTokens: 4, logprobs: true, topLogprobs: 2 }
    const text = await write(asked({ input: { prompt: 'The capital of France is' }, options }))
    const ids = await write(asked({ input: { prompt: tokens }, options }))
    expect(textsOf(text).join('')).toMatch(/^ Paris/)
    expect(textsOf(ids)).toEqual(textsOf(text))
    const [first] = text.filter((event) => event.type === 'delta')
    expect(first?.logprobs?.[0]).toMatchObject({ token: ' Paris', id: expect.any(Number) as number })
    expect(first?.logprobs?.[0]?.top).toHaveLength(2)
  })

  it('writes what a schema allows', async () => {
    const schema = { type: 'object', properties: { age: { type: 'integer' } }, required: ['age'] }
    const input = { messages: [{ role: 'user', content: 'How old are you?' }] } as const
    const events = await write(
      asked({ input, options: { ...greedy, responseFormat: { type: 'json_schema', schema } } }),
    )
    expect(JSON.parse(textsOf(events).join(''))).toEqual({ age: expect.any(Number) as number })
  })

  it('stops its work when the reader stops', async () => {
    const engine = engineOf()
    const reader = engine
      .stream?.(engine.placement, asked({ options: { ...greedy, maxTokens: 600 } }), never)
      .getReader()
    await reader?.read()
    await reader?.read()
    expect(await isWorking()).toBe(true)
    await reader?.cancel()
    await expect.poll(isWorking, { timeout: 20_000 }).toBe(false)
  })
})

describe('an answer that was cut', () => {
  let whole: GenerationEvent[]
  let promptIds: readonly number[]
  beforeAll(async () => {
    whole = await write(asked({ options: { ...greedy, logprobs: true } }))
    const { prompt } = (await post('/apply-template', { messages })) as { prompt: string }
    const asIds = { content: prompt, parse_special: true, add_special: false }
    promptIds = ((await post('/tokenize', asIds)) as { tokens: number[] }).tokens
  })

  // With both ways, fifty cuts.
  const places = Array.from({ length: 25 }, (_, index) => index + 1)

  it.each(places)('behind %i tokens is gone on with as a message, without a seam', async (tokens) => {
    const { resume, rest } = cutBehind(whole, tokens)
    expect(textsOf(await write(asked({ resume }))).join('')).toBe(rest)
  })

  it.each(places)('behind %i tokens is gone on with by token ids, without a seam', async (tokens) => {
    const { resume, rest } = cutBehind(whole, tokens)
    const events = await write(asked({ resume: { ...resume, promptIds } }), engineOf({ continuation: 'tokens' }))
    expect(textsOf(events).join('')).toBe(rest)
    // Of the whole answer, whoever wrote its beginning.
    expect(events.at(-1)).toMatchObject({ reason: 'length', usage: { completionTokens: maxTokens } })
  })
})

async function isWorking(): Promise<boolean> {
  const answer = await fetch(`${server.url}/slots`)
  return ((await answer.json()) as { is_processing: boolean }[]).some((slot) => slot.is_processing)
}

function cutBehind(events: readonly GenerationEvent[], tokens: number) {
  const deltas = events.filter((event) => event.type === 'delta')
  const [before, behind] = [deltas.slice(0, tokens), deltas.slice(tokens)]
  const tokenIds = before.flatMap(({ logprobs = [] }) => logprobs.flatMap(({ id }) => (id === undefined ? [] : [id])))
  const resume: GenerationResume = { text: textsOf(before).join(''), tokenIds, usedTokens: tokens }
  return { resume, rest: textsOf(behind).join('') }
}
