/** An answer that goes on elsewhere is the answer that did not move. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { GenerationOptions } from '../../../packages/sdk/src/contract/index.js'
import { FakeModel, type FakeModelOptions } from './support/fake-model.js'
import { answerOf, generatorOf } from './support/generate.js'
import { eosId } from './support/tiny-tokenizer.js'

const input = { prompt: 'Hi the abc' }

/** Cuts an answer behind each of its deltas, and goes on with it on a generator that knows nothing of it. */
async function cutEverywhere(model: FakeModelOptions, options: GenerationOptions) {
  const uncut = await answerOf(generatorOf(new FakeModel(model)), input, options)
  const deltas = uncut.events.flatMap((event) => (event.type === 'delta' ? [event] : []))
  for (let cut = 0; cut <= deltas.length; cut += 1) {
    const written = deltas.slice(0, cut)
    if (written.some(({ tokenIds }) => tokenIds === undefined)) break // Of a token that a stop string cut: the last delta.
    const tokenIds = written.flatMap((delta) => delta.tokenIds ?? [])
    const text = written.map((delta) => delta.text).join('')
    const promptIds = uncut.start.promptIds ?? []
    const resume = { text, tokenIds, promptIds, usedTokens: tokenIds.length }
    const rest = await answerOf(generatorOf(new FakeModel(model)), input, options, resume)
    expect([...tokenIds, ...rest.ids]).toEqual(uncut.ids)
    expect(text + rest.text).toBe(uncut.text)
    expect(rest.finish.reason).toBe(uncut.finish.reason)
    expect(rest.finish.usage.completionTokens).toBe(uncut.finish.usage.completionTokens)
    expect(rest.finish.usage.droppedTokens).toBe(uncut.finish.usage.droppedTokens)
  }
}

describe('a resumed answer', () => {
  it('is not gone on with by ids that this tokenizer does not have', async () => {
    const options = { temperature: 0, maxTokens: 8 }
    const uncut = await answerOf(generatorOf(new FakeModel()), input, options)
    const promptIds = uncut.start.promptIds ?? []
    const wrong = [
      { text: '', tokenIds: [], promptIds: [] },
      { text: '', tokenIds: [], promptIds: [promptIds[0] ?? 0] },
      { text: '', tokenIds: [1_000_000], promptIds },
      { text: '', tokenIds: [-1], promptIds },
      { text: '', tokenIds: [0.5], promptIds },
    ]
    for (const resume of wrong) {
      const rest = await answerOf(generatorOf(new FakeModel()), input, options, { ...resume, usedTokens: 0 })
      expect(rest.text).toBe(uncut.text)
    }
    const tokenIds = generatorOf(new FakeModel()).encode('abc')
    const resume = { text: 'abc', tokenIds, promptIds: [...promptIds, 1_000_000], usedTokens: 1 }
    const rest = await answerOf(generatorOf(new FakeModel()), input, options, resume)
    expect(rest.start.promptIds).toEqual(promptIds)
  })

  it('equals the uncut one token for token, wherever it was cut, greedy', async () => {
    await cutEverywhere({}, { temperature: 0, maxTokens: 60 })
    await cutEverywhere({ memory: 2 }, { temperature: 0, maxTokens: 60 })
  })

  it('equals the uncut one token for token, wherever it was cut, sampled with penalties and stop strings', async () => {
    const penalty = fc.double({ min: 0, max: 1, noNaN: true })
    await fc.assert(
      fc.asyncProperty(fc.nat(), penalty, penalty, async (seed, presencePenalty, frequencyPenalty) => {
        const penalties = { presencePenalty, frequencyPenalty, repetitionPenalty: 1.1, logitBias: { [eosId]: -1 } }
        const options = {
          ...penalties,
          temperature: 1,
          topP: 0.9,
          seed,
          maxTokens: 25,
          stop: ['ab', 'the', 'A', 'é', '\u0001\u0002'],
        }
        await cutEverywhere({}, options)
      }),
      { numRuns: 10 },
    )
  })

  it('sees the same tokens when the text outgrew the context', async () => {
    const options = { temperature: 0, maxTokens: 90, contextOverflow: 'slide' } as const
    await cutEverywhere({ contextLength: 24, eosBias: -100 }, options)
    await cutEverywhere({ contextLength: 24, eosBias: -100 }, { ...options, temperature: 1, seed: 3 })
  })

  it('goes on from a text whose ids are not known, and from ids that do not fit their text', async () => {
    const generator = generatorOf(new FakeModel({ ids: [65, 66, 67, 68, 69, 70], eosBias: -100 }))
    const options = { temperature: 0, maxTokens: 20 }
    const uncut = await answerOf(generator, input, options)
    const text = uncut.text.slice(0, 7)
    expect((await answerOf(generator, input, options, { text, usedTokens: 7 })).text).toBe(uncut.text.slice(7))
    const wrong = { text, tokenIds: [1, 2, 3], promptIds: [4, 5], usedTokens: 7 }
    expect((await answerOf(generator, input, options, wrong)).text).toBe(uncut.text.slice(7))
  })

  it('has nothing to add to an answer that has all its tokens', async () => {
    const model = new FakeModel()
    const resume = { text: 'AB', tokenIds: [65, 66], usedTokens: 5 }
    const { text, finish } = await answerOf(generatorOf(model), input, { maxTokens: 5 }, resume)
    expect({ text, finish }).toMatchObject({ text: '', finish: { reason: 'length', usage: { completionTokens: 5 } } })
    expect(model.appended).toEqual([])
  })
})

describe('prompt lookup', () => {
  it('writes what is written without it', async () => {
    let drafted = 0
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(1, 2, 3, undefined),
        fc.array(fc.integer({ min: 60, max: 70 }), { minLength: 1, maxLength: 40 }),
        fc.double({ min: 0, max: 0.5, noNaN: true }),
        fc.integer({ min: 1, max: 60 }),
        async (memory, prompt, presencePenalty, maxTokens) => {
          const options = { temperature: 0, maxTokens, presencePenalty, stop: 'é' }
          const model = memory === undefined ? {} : { memory }
          const answer = (promptLookup: 'auto' | 'off') =>
            answerOf(generatorOf(new FakeModel(model), { now: () => 0 }), { prompt }, { ...options, promptLookup })
          const [plain, looked] = [await answer('off'), await answer('auto')]
          expect(looked.ids).toEqual(plain.ids)
          expect(looked.text).toBe(plain.text)
          expect(looked.finish.usage).toEqual(plain.finish.usage)
          drafted += looked.finish.timings.draftedTokens ?? 0
        },
      ),
      { numRuns: 100 },
    )
    expect(drafted).toBeGreaterThan(100)
  })

  it('takes fewer runs for a text that repeats itself, and leaves the cache as it must be', async () => {
    const options = { temperature: 0, maxTokens: 60 }
    const model = new FakeModel({ memory: 1, eosBias: -100 })
    const generator = generatorOf(model, { now: () => 0 })
    const { finish, ids, start } = await answerOf(generator, input, options)
    expect(model.appended.length).toBeLessThan(40)
    expect(finish.timings.acceptedTokens).toBeGreaterThan(20)
    const next = { prompt: [...(start.promptIds ?? []), ...ids, 65, 66] }
    const plain = await answerOf(generatorOf(new FakeModel({ memory: 1, eosBias: -100 })), next, options)
    expect((await answerOf(generator, next, options)).ids).toEqual(plain.ids)
  })

  it('ends at the context’s end and within maxTokens', async () => {
    const model = new FakeModel({ memory: 1, eosBias: -100, contextLength: 30 })
    const { finish, start } = await answerOf(generatorOf(model, { now: () => 0 }), input, { temperature: 0 })
    expect(finish).toMatchObject({ reason: 'length', usage: { completionTokens: 30 - (start.promptTokens ?? 0) } })
  })
})

describe('a context that is too short', () => {
  const chat = (turns: number) =>
    ({
      messages: [
        { role: 'system', content: 'Be brief.' },
        ...Array.from({ length: turns }, (_, at) => [
          { role: 'user', content: `Question ${at}` } as const,
          { role: 'assistant', content: `Answer ${at}` } as const,
        ]).flat(),
        { role: 'user', content: 'Last question' },
      ],
    }) as const

  it('is an error before anything is run', async () => {
    const model = new FakeModel({ contextLength: 40 })
    await expect(answerOf(generatorOf(model), chat(3), {})).rejects.toMatchObject({
      code: 'CONTEXT_OVERFLOW',
      details: { promptTokens: expect.any(Number) as number, contextLength: 40 },
    })
    expect(model.live.size).toBe(0)
  })

  it('leaves the oldest turns out where it may, but not the system’s message, and says how many tokens', async () => {
    const generator = generatorOf(new FakeModel({ contextLength: 150 }))
    const { start, finish } = await answerOf(generator, chat(5), { maxTokens: 3, contextOverflow: 'slide' })
    const text = generator.decode(start.promptIds ?? [])
    expect(text).toMatch(/^system\nBe brief\.\nuser\nQuestion \d/)
    expect(text).toContain('Last question')
    expect(text).not.toContain('Question 0')
    const all = generator.encode(generator.render(chat(5))).length
    expect(finish.usage.droppedTokens).toBe(all - (start.promptTokens ?? 0))
    const rest = {
      messages: chat(5).messages.filter((_, at) => at === 0 || at > 2 * 5 - 2 * (text.split('Question').length - 1)),
    }
    expect(generator.encode(generator.render(rest))).toEqual(start.promptIds)
  })

  it('is an error when the last turn does not fit either', async () => {
    const generator = generatorOf(new FakeModel({ contextLength: 20 }))
    await expect(answerOf(generator, chat(3), { contextOverflow: 'slide' })).rejects.toMatchObject({
      code: 'CONTEXT_OVERFLOW',
    })
  })

  it('ends an answer, or slides over it and says so', async () => {
    const model = { contextLength: 24, eosBias: -100 }
    const options = { temperature: 0, maxTokens: 60 }
    const ended = await answerOf(generatorOf(new FakeModel(model)), input, options)
    const promptTokens = ended.start.promptTokens ?? 0
    expect(ended.finish).toMatchObject({ reason: 'length', usage: { completionTokens: 24 - promptTokens } })
    expect(ended.finish.usage).not.toHaveProperty('droppedTokens')
    const slid = await answerOf(generatorOf(new FakeModel(model)), input, { ...options, contextOverflow: 'slide' })
    expect(slid.finish).toMatchObject({ reason: 'length', usage: { completionTokens: 60 } })
    expect(promptTokens + 60 - (slid.finish.usage.droppedTokens ?? 0)).toBeLessThanOrEqual(24)
  })
})
