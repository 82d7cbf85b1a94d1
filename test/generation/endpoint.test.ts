/* eslint-disable @typescript-eslint/no-deprecated -- OpenAI calls max_tokens deprecated; everybody else's servers have nothing else */
/** The endpoint with a real language model, in a process of its own as it is deployed: what it writes, and that a cut leaves no seam. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const model = 'smollm2-135m-instruct'
const messages = [
  { role: 'user' as const, content: 'What is the capital of France? Then tell me a short story about a cat.' },
]
const maxTokens = 24

interface Written {
  readonly text: string
  readonly ids: readonly number[]
  readonly promptIds: readonly number[]
}

/** vLLM's fields, which the client's types do not have. */
interface WithIds {
  readonly prompt_token_ids?: readonly number[]
  readonly choices: readonly { readonly token_ids?: readonly number[] }[]
}

const endpoint = spawn(
  process.execPath,
  [`${root}packages/server/dist/cli.js`, 'serve', '--models', `${root}.models`, '--port', '0', '--log-level', 'warn'],
  { stdio: ['ignore', 'pipe', 'inherit'] },
)
let client: OpenAI
let uncut: Written

async function chat(more: object = {}): Promise<Written> {
  const body = { model, messages, temperature: 0, max_tokens: maxTokens, return_token_ids: true, ...more }
  const answer = await client.chat.completions.create(body)
  const { prompt_token_ids: promptIds = [], choices } = answer as unknown as WithIds
  return { text: answer.choices[0]?.message.content ?? '', ids: choices[0]?.token_ids ?? [], promptIds }
}

beforeAll(async () => {
  for await (const line of createInterface({ input: endpoint.stdout })) {
    const url = /http:\/\/\S+/.exec(line)?.[0]
    if (url === undefined) continue
    client = new OpenAI({ baseURL: `${url}/v1`, apiKey: '-', maxRetries: 0 })
    break
  }
  uncut = await chat()
})

afterAll(async () => {
  const ended = once(endpoint, 'exit')
  endpoint.kill('SIGTERM')
  expect(await ended).toEqual([0, null])
})

/** Ten places in an answer. */
const cuts = Array.from({ length: 10 }, (_, index) => 2 + index * 2)

// On a machine that does much else, a token takes half a second.
describe('SmolLM2 at the endpoint', { timeout: 240_000 }, () => {
  it('answers sensibly', () => {
    expect(uncut.text).toContain('Paris')
    expect(uncut.ids.length).toBe(maxTokens)
  })

  it('goes on from the token ids of a cut answer as if it had not been cut', async () => {
    for (const cut of cuts) {
      const body = {
        model,
        prompt: [...uncut.promptIds, ...uncut.ids.slice(0, cut)],
        temperature: 0,
        max_tokens: maxTokens - cut,
        return_token_ids: true,
      }
      const { choices } = (await client.completions.create(body)) as unknown as WithIds
      expect([...uncut.ids.slice(0, cut), ...(choices[0]?.token_ids ?? [])]).toEqual(uncut.ids)
    }
  })

  it('goes on with the last message of a chat as if it had not been cut', async () => {
    const stream = await client.chat.completions.create({
      ...{ model, messages, temperature: 0, max_tokens: maxTokens, stream: true },
    })
    const deltas: string[] = []
    for await (const { choices } of stream) deltas.push(choices[0]?.delta.content ?? '')
    expect(deltas.join('')).toBe(uncut.text)

    for (const cut of cuts) {
      const written = deltas.slice(0, cut).join('')
      const going = { continue_final_message: true, add_generation_prompt: false }
      // The first delta was the role alone.
      const left = { max_tokens: maxTokens - cut + 1 }
      const rest = await chat({ ...going, ...left, messages: [...messages, { role: 'assistant', content: written }] })
      expect(`${written}${rest.text}`).toBe(uncut.text)
    }
  })

  it('answers several chats at a time, each as if it were alone', async () => {
    const alone = await Promise.all([chat(), chat({ max_tokens: 6 }), chat({ max_tokens: 12 })])

    for (const { text } of alone) expect(uncut.text.startsWith(text)).toBe(true)
  })
})
