/** Tokens are drawn as their probabilities say, and the same seed draws the same. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { draw } from '../../../packages/sdk/src/generation/sampling/draw.js'
import { greedy, keepLargest } from '../../../packages/sdk/src/generation/sampling/largest.js'
import { randomAt } from '../../../packages/sdk/src/generation/sampling/random.js'
import { Sampler, type Choice, type SamplerOptions } from '../../../packages/sdk/src/generation/sampling/sampler.js'

const neutral: SamplerOptions = {
  temperature: 0,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  seed: 1,
  logprobs: false,
  topLogprobs: 0,
}
const samplerOf = (options: Partial<SamplerOptions>, promptIds: readonly number[] = []) =>
  new Sampler({ ...neutral, ...options }, { promptIds, textOf: (id) => `t${id}` })
/** Without a constraint, a choice is there at once. */
const choose = (sampler: Sampler, row: Float32Array) => sampler.choose(row) as Choice
const invalid = expect.objectContaining({ name: 'EdgewardError', code: 'OUTPUT_INVALID' }) as unknown

/** By the definitions, with all tokens sorted. */
function exactProbabilities(logits: readonly number[], { temperature, topK, topP, minP }: SamplerOptions): number[] {
  const max = Math.max(...logits)
  let ids = logits.map((_, id) => id).sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b)
  const weight = (id: number) => Math.exp(((logits[id] ?? 0) - max) / temperature)
  const sum = (of: readonly number[]) => of.reduce((total, id) => total + weight(id), 0)
  if (topK > 0) ids = ids.slice(0, topK)
  if (topP < 1) {
    const share = topP * sum(ids)
    ids = ids.filter((_, at) => sum(ids.slice(0, at)) < share)
  }
  if (minP > 0) ids = ids.filter((id) => weight(id) >= minP)
  return logits.map((_, id) => (ids.includes(id) ? weight(id) / sum(ids) : 0))
}

describe('drawing', () => {
  const logits = [2, 1.5, 1, 1, 0.5, 0, -0.5, -1, -2, -4, -Infinity, 1.2]
  const draws = 20_000
  /** The 99.9 % quantile of chi-square for 1 to 11 degrees of freedom. */
  const quantile = [10.83, 13.82, 16.27, 18.47, 20.52, 22.46, 24.32, 26.12, 27.88, 29.59, 31.26]
  const cases: Partial<SamplerOptions>[] = [
    { temperature: 1 },
    { temperature: 0.5 },
    { temperature: 2 },
    { temperature: 1, topK: 4 },
    { temperature: 1, topP: 0.8 },
    { temperature: 1, minP: 0.2 },
    { temperature: 0.8, topK: 6, topP: 0.9, minP: 0.05 },
  ]

  it.each(cases)('follows the exact distribution: %o', (given) => {
    const options = { ...neutral, ...given }
    const expected = exactProbabilities(logits, options)
    const counts = expected.map(() => 0)
    const row = Float32Array.from(logits)
    for (let position = 0; position < draws; position += 1) {
      const id = draw(row, options, randomAt(7, position))
      counts[id] = (counts[id] ?? 0) + 1
    }
    const possible = expected.flatMap((probability, id) => (probability > 0 ? [id] : []))
    expect(counts.every((count, id) => count === 0 || possible.includes(id))).toBe(true)
    const chiSquare = possible.reduce((total, id) => {
      const mean = draws * (expected[id] ?? 0)
      return total + ((counts[id] ?? 0) - mean) ** 2 / mean
    }, 0)
    expect(chiSquare).toBeLessThan(quantile[possible.length - 2] ?? 0)
  })

  it('finds the largest as sorting all does', () => {
    const anyLogits = fc.array(
      fc.oneof(fc.double({ min: -20, max: 20, noNaN: true }), fc.integer({ min: -3, max: 3 })),
      {
        minLength: 1,
        maxLength: 60,
      },
    )
    fc.assert(
      fc.property(anyLogits, fc.integer({ min: 1, max: 60 }), (values, count) => {
        const row = Float32Array.from(values)
        const all = Int32Array.from(row.keys())
        const largest = all.slice().sort((a, b) => (row[b] ?? 0) - (row[a] ?? 0) || a - b)
        const candidates = { ids: all, weights: new Float64Array(all.length).fill(1) }
        const { ids: kept } = keepLargest(candidates, row, { max: Math.max(...row), min: Math.min(...row) }, count)
        expect(kept.sort()).toEqual(largest.subarray(0, count).sort())
      }),
    )
  })

  it('is greedy at temperature 0, the smaller id of equals', () => {
    expect(greedy(Float32Array.of(0, 3, 1, 3))).toBe(1)
    expect(choose(samplerOf({}), Float32Array.of(0, 3, 1, 3))).toEqual({ id: 1 })
  })

  it('refuses logits that are no numbers', () => {
    for (const row of [
      [0, NaN, 1],
      [NaN, NaN],
      [-Infinity, -Infinity],
      [1, Infinity],
      [-Infinity, NaN, 2],
    ]) {
      expect(() => greedy(Float32Array.from(row))).toThrow(invalid)
      expect(() => draw(Float32Array.from(row), { ...neutral, temperature: 1 }, 0.5)).toThrow(invalid)
    }
  })
})

describe('randomAt', () => {
  it('is uniform over positions and over seeds, and different for each', () => {
    const ways = [
      (at: number) => randomAt(1, at),
      (at: number) => randomAt(at, 0),
      (at: number) => randomAt(2 ** 40 + at, 3),
      (at: number) => randomAt(at * 2 ** 32, 3),
    ]
    for (const numberAt of ways) {
      const counts = new Array<number>(100).fill(0)
      for (let at = 0; at < 20_000; at += 1) {
        const value = Math.floor(numberAt(at) * 100)
        counts[value] = (counts[value] ?? 0) + 1
      }
      const chiSquare = counts.reduce((total, count) => total + (count - 200) ** 2 / 200, 0)
      expect(chiSquare).toBeLessThan(148.2) // 99.9 % for 99 degrees of freedom
    }
  })

  it('is the same everywhere and for ever', () => {
    expect([0, 1, 2].map((position) => randomAt(42, position))).toMatchInlineSnapshot(`
      [
        0.10579233267344534,
        0.02423739479854703,
        0.902981213061139,
      ]
    `)
  })
})

describe('Sampler', () => {
  it('draws the same for the same seed, from wherever it goes on', () => {
    const rows = Array.from({ length: 30 }, (_, at) => Float32Array.from({ length: 50 }, (_, id) => randomAt(at, id)))
    const options = { temperature: 1, presencePenalty: 0.3, frequencyPenalty: 0.2, repetitionPenalty: 1.2 }
    const whole = samplerOf(options, [1, 2])
    const ids = rows.map((row) => choose(whole, row).id)
    for (let cut = 0; cut < rows.length; cut += 1) {
      const rest = samplerOf(options, [1, 2])
      for (const id of ids.slice(0, cut)) rest.accept(id)
      expect(rows.slice(cut).map((row) => choose(rest, row).id)).toEqual(ids.slice(cut))
    }
    const other = samplerOf({ ...options, seed: 2 }, [1, 2])
    expect(rows.map((row) => choose(other, row).id)).not.toEqual(ids)
  })

  it('penalises repetition in prompt and answer, presence and frequency in the answer, and leaves the model’s logits alone', () => {
    const row = Float32Array.of(4, 3.9, -1)
    expect(choose(samplerOf({ repetitionPenalty: 1.1 }, [0]), row).id).toBe(1)
    expect(choose(samplerOf({ presencePenalty: 1 }, [0]), row).id).toBe(0)
    const frequent = samplerOf({ frequencyPenalty: 0.06 })
    expect([1, 2, 3, 4, 5].map(() => choose(frequent, row).id)).toEqual([0, 0, 1, 0, 1])
    expect([...row]).toEqual([4, Math.fround(3.9), -1])
  })

  it('adds the bias of tokens', () => {
    expect(choose(samplerOf({ logitBias: { 2: 10, 999: 5 } }), Float32Array.of(4, 3, -1)).id).toBe(2)
  })

  it('tells how likely tokens were, whatever the options made of it', () => {
    const row = Float32Array.of(1, 2, 3, -Infinity)
    const total = Math.log(Math.exp(1) + Math.exp(2) + Math.exp(3))
    const { id, logprob } = choose(samplerOf({ logitBias: { 0: 9 }, logprobs: true, topLogprobs: 2 }), row)
    expect(id).toBe(0)
    expect(logprob).toMatchObject({
      token: 't0',
      id: 0,
      top: [
        { token: 't2', id: 2 },
        { token: 't1', id: 1 },
      ],
    })
    expect(logprob?.logprob).toBeCloseTo(1 - total, 6)
    expect(logprob?.top?.[0]?.logprob).toBeCloseTo(3 - total, 6)
  })

  it('draws only what a constraint leaves, and tells it what was drawn', async () => {
    const accepted: number[] = []
    const constraint = {
      mask: async (logits: Float32Array) => void logits.fill(-Infinity, 1),
      accept: (id: number) => accepted.push(id),
      isComplete: false,
      dispose: () => undefined,
    }
    const sampler = new Sampler({ ...neutral, temperature: 1 }, { promptIds: [], textOf: String, constraint })
    for (let at = 0; at < 5; at += 1) await sampler.choose(Float32Array.of(0, 5, 9))
    expect(accepted).toEqual([0, 0, 0, 0, 0])
  })
})
