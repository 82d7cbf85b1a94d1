/** An answer that began elsewhere is gone on with without a seam, or refused so that the router understands. */
import { describe, expect, it } from 'vitest'
import type { GenerationResume } from '../../../../packages/sdk/src/contract/index.js'
import type { OpenAiRemoteOptions } from '../../../../packages/sdk/src/remote/index.js'
import type { Handler } from '../http-server.js'
import { bodyOf, chat, delta, engineWith, eventsOf, finish, sending, textOf, type Asked } from './engine.js'

const resume: GenerationResume = { text: 'Hi there, my', usedTokens: 4 }
const withIds: GenerationResume = { ...resume, tokenIds: [7, 8, 9, 10], promptIds: [1, 2, 3] }
const refusal = { code: 'REMOTE_REJECTED', details: { resumable: false } }

interface Exchange {
  readonly bodies: Record<string, unknown>[]
  readonly paths: (string | undefined)[]
}

/** What is written, and what was asked for, by a server that does as `handle` says. */
async function goOn(
  handle: Handler,
  asked: Asked = { resume },
  options: Partial<OpenAiRemoteOptions> = { continuation: 'message' },
) {
  const exchange: Exchange = { bodies: [], paths: [] }
  const engine = await engineWith((request, response) => {
    exchange.bodies.push(bodyOf(request))
    exchange.paths.push(request.url)
    handle(request, response)
  }, options)
  return { ...exchange, events: await eventsOf(engine, chat(asked)) }
}

describe('as the last message of the chat', () => {
  it('an answer is asked for with the tokens that are left, and nothing of it comes again', async () => {
    const { bodies, paths, events } = await goOn(sending(delta(' name'), delta(' is'), finish('stop')), {
      resume,
      options: { seed: 1, maxTokens: 10 },
    })
    expect(paths).toEqual(['/v1/chat/completions'])
    expect(bodies[0]).toMatchObject({
      messages: [
        { role: 'user', content: 'Say hi.' },
        { role: 'assistant', content: 'Hi there, my' },
      ],
      continue_final_message: true,
      add_generation_prompt: false,
      max_tokens: 6,
    })
    expect(textOf(events)).toBe(' name is')
  })

  it('an answer that comes again all the same is taken off', async () => {
    const { events } = await goOn(sending(delta('Hi there, my name'), delta(' is'), finish('stop')))
    expect(textOf(events)).toBe(' name is')
  })

  it('blanks at its end are not sent, and have to come again', async () => {
    const asked = { resume: { text: 'One.\n\n', usedTokens: 3 }, options: { seed: 1, maxTokens: 8 } }
    const { bodies, events } = await goOn(sending(delta('\n'), delta('\nTwo.'), finish('stop')), asked)
    expect(bodies[0]?.['messages']).toContainEqual({ role: 'assistant', content: 'One.' })
    expect(bodies[0]).toHaveProperty('max_tokens', 6)
    expect(textOf(events)).toBe('Two.')
    await expect(goOn(sending(delta('\nTwo.'), finish('stop')), asked)).rejects.toMatchObject(refusal)
  })

  it.each([
    ['has reasoning', { text: '<think>Hm', usedTokens: 2 }, {}],
    ['has a call', { text: 'Well. <tool_call>{"name":', usedTokens: 5 }, {}],
    ['ends within its markup', { text: 'Well.', usedTokens: 2, onlyByIds: true }, {}],
    ['is nothing but blanks', { text: '\n', usedTokens: 1 }, {}],
    ['must be JSON', resume, { options: { seed: 1, responseFormat: { type: 'json_object' as const } } }],
    ['must be a call', resume, { options: { seed: 1, toolChoice: 'required' as const } }],
  ])('an answer that %s is refused', async (_, so, more) => {
    await expect(goOn(sending(), { resume: so, ...more })).rejects.toMatchObject(refusal)
  })

  it('thinking anew is refused', async () => {
    const anew = { choices: [{ delta: { reasoning_content: 'The user' } }] }
    await expect(goOn(sending(anew, finish('stop')))).rejects.toMatchObject(refusal)
  })
})

describe('by token ids', () => {
  const tokens = { continuation: 'tokens' } as const

  it('the prompt is the chat and the answer so far, as they are', async () => {
    const handle = sending({ choices: [{ index: 0, text: ' name', finish_reason: 'stop' }] })
    const { bodies, paths, events } = await goOn(handle, { resume: withIds }, tokens)
    expect(paths).toEqual(['/v1/completions'])
    expect(bodies[0]).toMatchObject({ prompt: [1, 2, 3, 7, 8, 9, 10], max_tokens: 2044 })
    expect(textOf(events)).toBe(' name')
  })

  it('an endpoint of Edgeward is told what is the prompt and what the answer: penalties and the seed go on', async () => {
    const handle = sending({ choices: [{ index: 0, text: ' name', finish_reason: 'stop' }] })
    const { bodies } = await goOn(handle, { resume: withIds }, { ...tokens, server: 'edgeward' })
    expect(bodies[0]).toMatchObject({ prompt: [1, 2, 3], resume: { text: 'Hi there, my', token_ids: [7, 8, 9, 10] } })
    const text = { input: { prompt: 'A' }, resume: { text: 'BC', usedTokens: 2 } } as const
    const { bodies: others } = await goOn(handle, text, { server: 'edgeward' })
    expect(others[0]).toMatchObject({ prompt: 'A', resume: { text: 'BC' } })
  })

  it('its usage is that of the whole answer', async () => {
    const last = { choices: [{ index: 0, text: ' name', finish_reason: 'stop' }] }
    const handle = sending({ ...last, usage: { prompt_tokens: 7, completion_tokens: 2 } }, '[DONE]')
    const { events } = await goOn(handle, { resume: withIds }, tokens)
    expect(events.at(-1)).toMatchObject({ type: 'finish', usage: { completionTokens: 6 } })
  })

  it('what is not known is refused', async () => {
    await expect(goOn(sending(), { resume }, tokens)).rejects.toMatchObject(refusal)
  })

  it.each([
    ['an endpoint that makes the same ids of the chat', [1, 2, 3], '/v1/completions'],
    ['not at an endpoint that makes others', [1, 2, 4], '/v1/chat/completions'],
  ])('%s is asked without being told to, and found out once', async (_, promptIds, path) => {
    const paths: (string | undefined)[] = []
    const engine = await engineWith(
      (request, response) => {
        paths.push(request.url)
        const { continue_final_message: continues, add_generation_prompt: begins } = bodyOf(request)
        if (continues === true && begins === true) {
          response.writeHead(400).end('{"error":"continue_final_message and add_generation_prompt"}')
        } else if (request.url === '/v1/completions') {
          sending({ choices: [{ text: '!', finish_reason: 'stop' }] })(request, response)
        } else sending(delta('mps', {}, { prompt_token_ids: promptIds }), finish('stop'))(request, response)
      },
      { server: 'vllm' },
    )
    await eventsOf(engine, chat({ resume: withIds }))
    expect(paths.at(-1)).toBe(path)
    const asked = paths.length
    await eventsOf(engine, chat({ resume: withIds }))
    expect(paths).toHaveLength(asked + 1)
    expect(paths.at(-1)).toBe(path)
  })
})

describe('behind a prompt', () => {
  const input = { prompt: 'The capital of France' } as const

  it('the answer so far is the end of the prompt', async () => {
    const handle = sending({ choices: [{ text: ' Paris', finish_reason: 'stop' }] })
    const { bodies } = await goOn(handle, { input, resume: { text: ' is', usedTokens: 1 } })
    expect(bodies[0]).toMatchObject({ prompt: 'The capital of France is' })
  })

  it('a stop string is seen across the seam, and the connection ends', async () => {
    const handle = sending({ choices: [{ text: 'N' }] }, { choices: [{ text: 'D of it' }] })
    const asked = { input, options: { seed: 1, stop: ['END'] }, resume: { text: ' x E', usedTokens: 2 } }
    const { events } = await goOn(handle, asked)
    expect(textOf(events)).toBe('')
    expect(events.at(-1)).toMatchObject({ type: 'finish', reason: 'stop' })
  })

  it('a stop string that is complete with the last token that was asked for is seen, too', async () => {
    const handle = sending({ choices: [{ text: 'ND', finish_reason: 'length' }] })
    const asked = { input, options: { seed: 1, stop: ['END'] }, resume: { text: ' x E', usedTokens: 2 } }
    expect((await goOn(handle, asked)).events.at(-1)).toMatchObject({ type: 'finish', reason: 'stop' })
  })

  it('what only looked like a stop string is told', async () => {
    const handle = sending({ choices: [{ text: 'N' }] }, { choices: [{ text: 'Z' }] }, finish('stop'))
    const asked = { input, options: { seed: 1, stop: ['END'] }, resume: { text: ' x E', usedTokens: 2 } }
    expect(textOf((await goOn(handle, asked)).events)).toBe('NZ')
  })

  it('nothing is asked for when no tokens are left', async () => {
    const asked = { input, options: { seed: 1, maxTokens: 2 }, resume: { text: ' is', usedTokens: 2 } }
    const { bodies, events } = await goOn(sending(), asked)
    expect(bodies).toEqual([])
    expect(events.at(-1)).toMatchObject({ type: 'finish', reason: 'length' })
  })
})

describe('an endpoint nobody knows', () => {
  const auto = { continuation: 'auto' } as const

  it('goes on where it ends a word that was cut in two', async () => {
    const handle: Handler = (request, response) => {
      const isProbe = JSON.stringify(bodyOf(request)).includes('quick brown')
      sending(delta(isProbe ? 'mps over' : ' name'), finish('stop'))(request, response)
    }
    const { bodies, events } = await goOn(handle, { resume }, auto)
    expect(textOf(events)).toBe(' name')
    expect(bodies).toHaveLength(3)
  })

  it.each([
    ['begins a new message', "I'm here"],
    ['sends again what it was sent', 'The quick brown fox jumps'],
  ])('is refused where it %s', async (_, text) => {
    await expect(goOn(sending(delta(text), finish('stop')), { resume }, auto)).rejects.toMatchObject(refusal)
  })

  it('is refused where the caller says so', async () => {
    await expect(goOn(sending(), { resume }, { continuation: 'none' })).rejects.toMatchObject(refusal)
  })
})
