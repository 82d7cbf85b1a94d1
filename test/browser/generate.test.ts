/** Answers of text as a page asks for them: parts, turns, ends, formats, deaths of the worker, and OpenAI's own client. */
import OpenAI from 'openai'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Client, ClientOptions, GenerationPart } from 'edgeward'
import { testClient } from './support/clients.js'
import { serveGguf } from './support/language-models.js'
import { workerWithPrelude } from './support/worker-prelude.js'

const alphabet = 'abcdefghijklmnopqrstuvwxyz'
const behind = (letter: string) => alphabet.slice(alphabet.indexOf(letter) + 1)
const greedy = { temperature: 0 } as const
const chat = { messages: [{ role: 'user', content: 'Say the alphabet.' }], ...greedy } as const
const onDevice = { engine: 'device', backend: 'wasm', variant: 'fp32' } as const

/** A client, and a model that no cache has seen. */
async function generation(options: ClientOptions = {}): Promise<{ readonly edge: Client; readonly model: string }> {
  const { url } = await serveGguf()
  return { edge: testClient({ backends: ['wasm'], threads: 1, ...options }), model: url }
}

async function read(stream: AsyncIterable<GenerationPart>): Promise<GenerationPart[]> {
  const parts: GenerationPart[] = []
  for await (const part of stream) parts.push(part)
  return parts
}

function textOf(parts: readonly GenerationPart[], index = 0): string {
  return parts.map((part) => (part.type === 'text-delta' && part.index === index ? part.text : '')).join('')
}

/** A worker that ends, when it is told to, instead of giving one more delta behind so many. */
const mortalWorker = () =>
  workerWithPrelude(`let left = Infinity
const channel = new BroadcastChannel('mortal')
channel.onmessage = ({ data }) => { left = data; channel.postMessage('heard') }
const { postMessage } = MessagePort.prototype
MessagePort.prototype.postMessage = function (message, ...others) {
  if (message?.chunk?.type === 'delta' && left-- === 0) return self.close()
  return postMessage.call(this, message, ...others)
}`)

/** The live worker, and no later one, ends behind so many deltas. */
function endWorkerAfter(deltas: number): Promise<void> {
  const channel = new BroadcastChannel('mortal')
  onTestFinished(() => channel.close())
  return new Promise((resolve) => {
    channel.onmessage = () => resolve()
    channel.postMessage(deltas)
  })
}

test('an answer comes part by part, in order, and as a whole', async () => {
  const { edge, model } = await generation()
  const answer = edge.generate(model, chat)
  const parts = await read(answer)
  const kinds = parts.map(({ type }) => type).filter((type, index, all) => type !== all[index - 1])
  expect(kinds).toEqual(['placement', 'text-start', 'text-delta', 'text-end', 'finish'])
  expect(parts[0]).toEqual({ type: 'placement', index: 0, placement: onDevice })
  expect(textOf(parts)).toBe(alphabet)
  const { output, placement, attempts } = await answer.result
  const segments = [{ placement: onDevice, from: 0, to: alphabet.length }]
  expect(output).toMatchObject({ text: alphabet, finishReason: 'stop', toolCalls: [], segments })
  expect(parts.at(-1)).toMatchObject({ reason: 'stop', usage: output.usage, segments })
  expect(output.usage.completionTokens).toBe(alphabet.length + 1)
  expect({ placement, attempts }).toEqual({ placement: onDevice, attempts: [] })
  expect(await edge.generate(model, { prompt: 'w', ...greedy }).text).toBe('xyz')
})

test('who stops reading ends the answer, and the next turn begins behind what is known', async () => {
  const { edge, model } = await generation()
  const answer = edge.generate(model, { prompt: 'ab', ...greedy })
  let text = ''
  for await (const part of answer) {
    if (part.type === 'text-delta') text += part.text
    if (text.length >= 4) break
  }
  expect(text).toBe('cdef')
  await expect(answer.result).rejects.toMatchObject({ name: 'AbortError' })
  const { output } = await edge.generate(model, { prompt: 'abcdeX', ...greedy, maxTokens: 2 }).result
  // All of the prompt that is as it was.
  expect(output).toMatchObject({ text: 'YZ', finishReason: 'length', usage: { promptTokens: 6, cachedTokens: 5 } })
})

test('an abort ends an answer with its reason, and costs the next one nothing', async () => {
  const { edge, model } = await generation()
  const ending = new AbortController()
  const reason = new DOMException('Enough.', 'AbortError')
  const answer = edge.generate(model, { prompt: 'a', ...greedy, signal: ending.signal })
  const reading = (async () => {
    for await (const part of answer) if (part.type === 'text-delta') ending.abort(reason)
  })()
  await expect(reading).rejects.toBe(reason)
  await expect(answer.result).rejects.toBe(reason)
  expect(await edge.generate(model, { prompt: 'a', ...greedy }).text).toBe(behind('a'))
})

test('several answers to one prompt are told apart, and a stop text ends each', async () => {
  const { edge, model } = await generation()
  const answer = edge.generate(model, { prompt: 'a', ...greedy, n: 2, stop: ['jk'] })
  const parts = await read(answer)
  expect([textOf(parts, 0), textOf(parts, 1)]).toEqual(['bcdefghi', 'bcdefghi'])
  const { output } = await answer.result
  expect(output.answers.map(({ text, finishReason }) => [text, finishReason])).toEqual([
    ['bcdefghi', 'stop'],
    ['bcdefghi', 'stop'],
  ])
})

test('an answer is the JSON that its schema wants', async () => {
  const { edge, model } = await generation()
  const properties = { yes: { type: 'boolean' }, letter: { enum: ['a', 'b'] } }
  const schema = { type: 'object', properties, required: ['yes', 'letter'], additionalProperties: false }
  // This model would write blanks for ever where it may.
  const logitBias = Object.fromEntries(['\t', '\n', '\r', ' '].map((blank) => [blank.charCodeAt(0), -100]))
  const responseFormat = { type: 'json_schema', schema } as const
  const answer = edge.generate(model, { ...chat, maxTokens: 100, logitBias, responseFormat })
  const { output } = await answer.result
  const value = JSON.parse(output.text) as { readonly yes: unknown; readonly letter: unknown }
  expect(Object.keys(value).sort()).toEqual(['letter', 'yes'])
  expect([true, false]).toContain(value.yes)
  expect(['a', 'b']).toContain(value.letter)
  expect(output.finishReason).toBe('stop')
})

test('two clients write at once, each what it was asked', async () => {
  const [one, other] = await Promise.all([generation(), generation()])
  const texts = [
    one.edge.generate(one.model, { prompt: 'a', ...greedy }).text,
    other.edge.generate(other.model, { prompt: 'n', ...greedy }).text,
    one.edge.generate(one.model, { prompt: 'r', ...greedy }).text,
  ]
  expect(await Promise.all(texts)).toEqual([behind('a'), behind('n'), behind('r')])
})

test('what is local only is asked of no endpoint', async () => {
  const asked = vi.spyOn(globalThis, 'fetch')
  onTestFinished(() => asked.mockRestore())
  const remote = { protocol: 'openai', url: `${location.origin}/told/v1` } as const
  const { edge, model } = await generation({ remote, policy: { residency: 'local-only' } })
  expect(await edge.generate(model, { prompt: 'w', ...greedy }).text).toBe('xyz')
  const toEndpoint = asked.mock.calls.map(([to]) => String(to instanceof Request ? to.url : to))
  expect(toEndpoint.filter((url) => url.includes('/told/'))).toEqual([])
})

test('a worker that dies in the middle of an answer is replaced, and the answer goes on without a seam', async () => {
  const { edge, model } = await generation({ workerUrl: mortalWorker() })
  await edge.prepare(model)
  for (const deltas of [1, 9]) {
    localStorage.clear()
    await endWorkerAfter(deltas)
    const answer = edge.generate(model, { ...chat, frequencyPenalty: 0.1, stop: 'z' })
    const parts = await read(answer)
    expect(textOf(parts)).toBe(alphabet.slice(0, -1))
    const placements = parts.filter(({ type }) => type === 'placement')
    expect(placements).toMatchObject([{ placement: onDevice }, { placement: onDevice, reason: expect.anything() }])
    const { output, attempts } = await answer.result
    expect(attempts.map(({ code }) => code)).toEqual(['WORKER_DIED'])
    expect(output).toMatchObject({ text: alphabet.slice(0, -1), finishReason: 'stop' })
    expect(output.segments[0]?.from).toBe(0)
    expect(output.segments.at(-1)?.to).toBe(alphabet.length - 1)
    output.segments.slice(1).forEach(({ from }, index) => expect(from).toBe(output.segments[index]?.to))
  }
})

test('the same answers come in OpenAI’s shape, and to OpenAI’s own client', async () => {
  const { edge, model } = await generation()
  const messages = [{ role: 'user' as const, content: 'Say the alphabet.' }]
  const whole = await edge.chat.completions.create({ model, messages, temperature: 0 })
  expect(whole.choices[0]).toMatchObject({ message: { content: alphabet }, finish_reason: 'stop' })
  const openai = new OpenAI({
    baseURL: 'https://edgeward.invalid/v1',
    fetch: edge.fetch,
    apiKey: '-',
    dangerouslyAllowBrowser: true,
    maxRetries: 0,
  })
  const stream = await openai.chat.completions.create({ model, messages, temperature: 0, stream: true })
  let text = ''
  let finish: string | null = null
  for await (const { choices } of stream) {
    text += choices[0]?.delta.content ?? ''
    finish = choices[0]?.finish_reason ?? finish
  }
  expect([text, finish]).toEqual([alphabet, 'stop'])
  const { choices } = await openai.completions.create({ model, prompt: 'w', temperature: 0, max_tokens: 16 })
  expect(choices[0]).toMatchObject({ text: 'xyz', finish_reason: 'stop' })
})

test('dispose ends what is being written, and leaves no worker', async () => {
  const { edge, model } = await generation()
  const parts = edge.generate(model, { prompt: 'a', ...greedy })[Symbol.asyncIterator]()
  await parts.next()
  expect(await workerLocks()).toHaveLength(1)
  await edge.dispose()
  await expect(parts.next()).rejects.toMatchObject({ code: 'DISPOSED' })
  await expect.poll(workerLocks).toEqual([])
})

async function workerLocks() {
  const { held = [] } = await navigator.locks.query()
  return held.filter(({ name }) => name?.startsWith('edgeward-worker-'))
}
