/** One answer, from what is asked to its last token; what it leaves behind for the next. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { GenerationInput, GenerationOptions } from '../../../packages/sdk/src/contract/index.js'
import { FakeModel, fakeLogits } from './support/fake-model.js'
import { answerOf, collect, generatorOf, idsOf, never, textOf } from './support/generate.js'
import { eosId, startId } from './support/tiny-tokenizer.js'

const prompt: GenerationInput = { prompt: 'Hi the abc' }
const greedy: GenerationOptions = { temperature: 0, maxTokens: 30, promptLookup: 'off' }

/** The likeliest tokens one by one, straight from the model. */
function likeliest(promptIds: readonly number[], count: number, memory?: number): number[] {
  const ids = [...promptIds]
  for (let at = 0; at < count; at += 1) {
    const logits = fakeLogits(ids, memory === undefined ? {} : { memory })
    ids.push(logits.indexOf(Math.max(...logits)))
    if (ids.at(-1) === eosId) break
  }
  return ids.slice(promptIds.length)
}

describe('TextGenerator', () => {
  it('writes the likeliest tokens, with a beginning and an end', async () => {
    const generator = generatorOf(new FakeModel())
    const events = await collect(generator.generate({ input: prompt, options: greedy }, never))
    const promptIds = generator.encode('Hi the abc')
    expect(events[0]).toEqual({ type: 'start', format: {}, promptTokens: promptIds.length, cachedTokens: 0, promptIds })
    expect(events.at(-1)).toMatchObject({
      type: 'finish',
      reason: 'length',
      usage: { promptTokens: promptIds.length, cachedTokens: 0, completionTokens: 30 },
    })
    const expected = likeliest(promptIds, 30)
    expect(idsOf(events)).toEqual(expected.slice(0, idsOf(events).length))
    expect(textOf(events)).toBe(generator.decode(idsOf(events)))
  })

  it('gives deltas whose ids are those of their text, at borders where the text is whole', async () => {
    const generator = generatorOf(new FakeModel({ ids: [...Array(40).keys()].map((at) => 0x80 + at * 2) }))
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.boolean(), async (seed, hasStop) => {
        const options = { temperature: 1, seed, maxTokens: 40, ...(hasStop && { stop: ['é', 'abc'] }) }
        const events = await collect(generator.generate({ input: prompt, options }, never))
        const deltas = events.flatMap((event) => (event.type === 'delta' && event.tokenIds ? [event] : []))
        for (const { text, tokenIds } of deltas) expect(text).toBe(generator.decode(tokenIds ?? []))
        const ids = deltas.flatMap(({ tokenIds }) => tokenIds ?? [])
        expect(deltas.map(({ text }) => text).join('')).toBe(generator.decode(ids))
      }),
      { numRuns: 50 },
    )
  })

  it('ends at the model’s end, which is no part of the text', async () => {
    const generator = generatorOf(new FakeModel({ eosBias: 100 }))
    const { text, finish } = await answerOf(generator, prompt, greedy)
    expect({ text, reason: finish.reason, usage: finish.usage }).toMatchObject({
      text: '',
      reason: 'stop',
      usage: { completionTokens: 1 },
    })
  })

  it('ends at a stop string, wherever tokens are cut', async () => {
    const generator = generatorOf(new FakeModel({ eosBias: -100 }))
    const { text } = await answerOf(generator, prompt, greedy)
    for (let at = 0; at + 2 <= text.length; at += 1) {
      const stop = text.slice(at, at + 2)
      const stopped = await answerOf(generator, prompt, { ...greedy, stop })
      expect(stopped).toMatchObject({ text: text.slice(0, text.indexOf(stop)), finish: { reason: 'stop' } })
    }
  })

  it('gives out what was held back when the text ends otherwise', async () => {
    const generator = generatorOf(new FakeModel({ eosBias: -100 }))
    const { text } = await answerOf(generator, prompt, greedy)
    const held = await answerOf(generator, prompt, { ...greedy, stop: `${text.slice(-3)}that never comes` })
    expect(held).toMatchObject({ text, finish: { reason: 'length' } })
  })

  it('takes chats in the model’s own form, and tells when the answer opens in the reasoning', async () => {
    const reasoning = { open: '<think>', close: '</think>' }
    const generator = generatorOf(new FakeModel(), { format: { reasoning } })
    const start = async (input: GenerationInput) =>
      (await collect(generator.generate({ input, options: { maxTokens: 1 } }, never)))[0]
    const user = { role: 'user', content: 'Hi <think>' } as const
    expect(generator.render({ messages: [user] })).toBe('<|start|>user\nHi <think><|end|>\n<|start|>assistant\n')
    expect(await start({ messages: [user] })).toMatchObject({ format: { reasoning } })
    expect(await start({ messages: [user] })).not.toHaveProperty('format.startsInReasoning')
    expect(await start({ messages: [user, { role: 'assistant', content: '<think>\nWell' }] })).toMatchObject({
      format: { reasoning, startsInReasoning: true },
    })
    expect(await start({ prompt: 'Hi <think>\n' })).toMatchObject({ format: { startsInReasoning: true } })
  })

  it('takes token ids as they are, and refuses those that the model does not have', async () => {
    const generator = generatorOf(new FakeModel())
    const [start] = await collect(generator.generate({ input: { prompt: [startId, 5, 6] }, options: greedy }, never))
    expect(start).toMatchObject({ promptIds: [startId, 5, 6] })
    const wrong = collect(generator.generate({ input: { prompt: [99_999] }, options: greedy }, never))
    await expect(wrong).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })

  it('runs only what is new of the next turn, also after a stop, an edit and an end in mid-draft', async () => {
    const model = new FakeModel({ eosBias: -100 })
    const generator = generatorOf(model)
    const turn = async (content: string, options = greedy) => {
      model.appended.length = 0
      const messages = [
        { role: 'system', content: 'You are the abc.' },
        { role: 'user', content },
      ] as const
      return answerOf(generator, { messages }, options)
    }
    const { start, ids } = await turn('First question')
    expect(start.cachedTokens).toBe(0)
    const again = await turn('First question')
    expect(again.ids).toEqual(ids)
    expect(model.appended[0]).toBe(1)
    const edited = await turn('First quarrel')
    const common = generator.encode('estion').length
    expect(edited.start.cachedTokens).toBeGreaterThan((edited.start.promptTokens ?? 0) - common - 14)
    expect((edited.start.cachedTokens ?? 0) + (model.appended[0] ?? 0)).toBe(edited.start.promptTokens)
    expect(edited.ids).toEqual(await fresh(edited.start.promptIds ?? []))
  })

  /** What a generator without any cache writes. */
  async function fresh(promptIds: readonly number[], options = greedy) {
    return (await answerOf(generatorOf(new FakeModel({ eosBias: -100 })), { prompt: promptIds }, options)).ids
  }

  it('is left or aborted anywhere without a leak, and the next turn is right', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(12), fc.constantFrom('return', 'abort', 'abort while running'), async (after, way) => {
        const controller = new AbortController()
        let countdown = way === 'abort while running' ? after : Infinity
        const model = new FakeModel({
          eosBias: -100,
          onAppend: () => {
            if (countdown-- === 0) controller.abort(new Error('enough'))
          },
        })
        const generator = generatorOf(model, { maxSequences: 1 })
        const answer = generator.generate({ input: prompt, options: greedy }, controller.signal)
        const read = async () => {
          for (let event = 0; event < after; event += 1) await answer.next()
          if (way === 'return') await answer.return()
          else controller.abort(new Error('enough'))
          return answer.next()
        }
        if (way === 'return') expect(await read()).toEqual({ done: true, value: undefined })
        else if (after > 0 || way === 'abort') await expect(read()).rejects.toThrow('enough')
        countdown = Infinity
        const next = await answerOf(generator, { prompt: 'Hi the abc, the end' }, greedy)
        expect(next.ids).toEqual(await fresh(generator.encode('Hi the abc, the end')))
        expect(model.live.size).toBe(1)
        generator.dispose()
        expect(model.live.size).toBe(0)
      }),
      { numRuns: 60 },
    )
  })

  it('computes nothing that nobody asks for', async () => {
    const model = new FakeModel({ ids: [65, 66, 67] })
    const answer = generatorOf(model).generate({ input: prompt, options: greedy }, never)
    expect(model.live.size).toBe(0)
    await answer.next()
    expect(model.appended).toEqual([])
    await answer.next()
    expect(model.appended).toHaveLength(1)
    await answer.return()
    expect(model.appended).toHaveLength(1)
  })

  it('ends while a run is awaited as soon as nobody reads any more', async () => {
    const model = new FakeModel({
      onAppend: (_ids, signal) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    })
    const answer = generatorOf(model).generate({ input: prompt, options: greedy }, never)
    await answer.next()
    const pending = answer.next()
    await answer.return()
    expect(await pending).toEqual({ done: true, value: undefined })
  })

  it('gives its sequence back with the finish, and on an abort, even if nobody reads on', async () => {
    const controller = new AbortController()
    const generator = generatorOf(new FakeModel({ eosBias: -100 }), { maxSequences: 1 })
    const unread = generator.generate({ input: prompt, options: greedy }, never)
    for (;;) {
      const { value } = await unread.next()
      if (value?.type === 'finish') break
    }
    const aborted = generator.generate({ input: prompt, options: greedy }, controller.signal)
    await aborted.next()
    controller.abort(new Error('enough'))
    await answerOf(generator, prompt, greedy)
    await expect(aborted.next()).rejects.toThrow('enough')
    await expect(collect(generator.generate({ input: prompt, options: greedy }, controller.signal))).rejects.toThrow(
      'enough',
    )
  })

  it('frees all when it is disposed, and fails what is being written', async () => {
    const model = new FakeModel()
    const generator = generatorOf(model)
    const answer = generator.generate({ input: prompt, options: greedy }, never)
    await answer.next()
    generator.dispose()
    await expect(collect(answer)).rejects.toMatchObject({ name: 'EdgewardError', code: 'DISPOSED' })
    expect(model.live.size).toBe(0)
    await expect(answerOf(generator, prompt, greedy)).rejects.toMatchObject({ code: 'DISPOSED' })
  })

  it('writes several answers at once, each as if it were alone', async () => {
    const generator = generatorOf(new FakeModel({ eosBias: -100 }))
    const inputs = ['the one', 'abc two', 'three'].map((text) => ({ prompt: text }))
    const together = await Promise.all(inputs.map((input) => answerOf(generator, input, greedy)))
    for (const [at, { ids }] of together.entries())
      expect(ids).toEqual(await fresh(generator.encode(inputs[at]?.prompt ?? '')))
  })

  it('measures its phases on its own clock, without the time that its reader takes', async () => {
    let ms = 0
    const model = new FakeModel({ eosBias: -100, onAppend: (ids) => void (ms += 10 * ids.length) })
    const generator = generatorOf(model, { now: () => ms })
    const input = { prompt: [1, 2, 3, 4] }
    for await (const event of generator.generate({ input, options: { ...greedy, maxTokens: 5 } }, never)) {
      if (event.type === 'finish') {
        expect(event.timings).toEqual({
          preprocessMs: 0,
          inferenceMs: 80,
          firstTokenMs: 40,
          promptTokensPerSecond: 100,
          tokensPerSecond: 100,
        })
      } else if (event.type === 'delta') ms += 1000
    }
  })

  it('tells how long an answer waited for others', async () => {
    let ms = 0
    const model = new FakeModel({ eosBias: -100, onAppend: () => void (ms += 10) })
    const generator = generatorOf(model, { now: () => ms, maxSequences: 1 })
    const options = { ...greedy, maxTokens: 3 }
    const answers = await Promise.all([answerOf(generator, prompt, options), answerOf(generator, prompt, options)])
    expect(answers.map(({ finish }) => finish.timings.queueMs)).toEqual([undefined, 30])
  })

  it('tells how likely each token of a delta was', async () => {
    const generator = generatorOf(new FakeModel())
    const options = { ...greedy, maxTokens: 10, logprobs: true, topLogprobs: 2 }
    const events = await collect(generator.generate({ input: prompt, options }, never))
    for (const event of events) {
      if (event.type !== 'delta') continue
      expect(event.logprobs?.map(({ id }) => id)).toEqual(event.tokenIds)
      expect(event.logprobs?.every(({ top }) => top?.length === 2)).toBe(true)
    }
  })

  it('refuses formats that it was given no grammar for, and ends when a constraint is complete', async () => {
    const options = { ...greedy, responseFormat: { type: 'json_object' } } as const
    await expect(answerOf(generatorOf(new FakeModel()), prompt, options)).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
    })
    const accepted: number[] = []
    let isDisposed = false
    const constraint = {
      mask: (logits: Float32Array) => logits.forEach((_, id) => (logits[id] = id === 65 ? 1 : -Infinity)),
      accept: (id: number) => void accepted.push(id),
      get isComplete() {
        return accepted.length === 4
      },
      dispose: () => void (isDisposed = true),
    }
    const generator = generatorOf(new FakeModel(), { constrain: async () => constraint })
    const resume = { text: 'A', tokenIds: [65], usedTokens: 1 }
    const events = await collect(generator.generate({ input: prompt, options, resume }, never))
    expect(textOf(events)).toBe('AAA')
    expect(events.at(-1)).toMatchObject({ reason: 'stop', usage: { completionTokens: 4 } })
    expect(isDisposed).toBe(true)
  })
})
