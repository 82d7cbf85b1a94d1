import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LoadedTask, Manifest } from '../../../packages/sdk/src/contract/index.js'
import { maxBatchTokens, planBatches } from '../../../packages/sdk/src/tasks/feature-extraction/plan-batches.js'
import { pool } from '../../../packages/sdk/src/tasks/feature-extraction/pool.js'
import { loadTextEncoder } from '../../../packages/sdk/src/tasks/feature-extraction/text-encoder.js'
import { registry } from '../../../packages/sdk/src/tasks/index.js'
import { openLocalModel, type LocalModel } from './local-model.js'

const fixture = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../fixtures/tasks/${name}`, import.meta.url), 'utf8'))
const sentences = fixture('sentences.json') as string[]
const golden = fixture('token-ids.json') as {
  texts: { text: string; ids: number[] }[]
  cutTo8: { text: string; ids: number[] }
}

let model: LocalModel
beforeAll(async () => {
  model = await openLocalModel('all-minilm-l6-v2')
})
afterAll(() => model.dispose())

describe('token ids', () => {
  test.each(golden.texts)("are those of Hugging Face's tokenizer: $text", async ({ text, ids }) => {
    const encode = await loadTextEncoder(model, 256)
    expect(encode(text)).toEqual(ids)
  })

  test('a text is cut at the limit, between its special tokens', async () => {
    const encode = await loadTextEncoder(model, 8)
    expect(encode(golden.cutTo8.text)).toEqual(golden.cutTo8.ids)
  })

  test('the 128 tokens that the tokenizer.json bakes in do not hold', async () => {
    const encode = await loadTextEncoder(model, 256)
    expect(encode('word '.repeat(200))).toHaveLength(202)
    expect(encode('word '.repeat(1000))).toHaveLength(256)
  })
})

describe('vectors of all-minilm-l6-v2', () => {
  let task: LoadedTask<'feature-extraction'>
  let vectors: readonly Float32Array[]
  beforeAll(async () => {
    task = await registry['feature-extraction'].load(model)
    vectors = await task.run(sentences, {}, model)
  })

  test('have 384 numbers and the length 1', () => {
    expect(vectors).toHaveLength(20)
    for (const vector of vectors) {
      expect(vector).toHaveLength(384)
      expect(dot(vector, vector)).toBeCloseTo(1, 6)
    }
  })

  test('are near for sentences that mean the same, and far for others', () => {
    const similar = pairs(18).filter(([a, b]) => a % 2 === 0 && b === a + 1 && b < 16)
    const others = pairs(20).filter(([a, b]) => !(a % 2 === 0 && b === a + 1))
    expect(Math.min(...similar.map(similarity))).toBeGreaterThanOrEqual(0.54)
    expect(Math.max(...others.map(similarity))).toBeLessThanOrEqual(0.185)
  })

  test('are the same in a batch as one by one', async () => {
    for (const [index, sentence] of sentences.entries()) {
      const [alone] = await task.run(sentence, {}, model)
      expect(dot(alone, vectors[index])).toBeGreaterThanOrEqual(0.9999)
    }
  })

  test('come back in order when a long list is cut into batches', async () => {
    const words = Array.from({ length: 60 }, (_, i) => `${sentences[i % 20] ?? ''} ${'and so on '.repeat(i % 7)}`)
    const before = model.calls.length
    const many = await task.run(words, {}, model)
    const shapes = model.calls.slice(before).map(({ shape }) => shape)
    expect(shapes.length).toBeGreaterThan(1)
    for (const [batch, tokens] of shapes) expect((batch ?? 0) * (tokens ?? 0)).toBeLessThanOrEqual(maxBatchTokens)
    for (const index of [0, 13, 27, 59]) {
      const [alone] = await task.run(words[index] ?? '', {}, model)
      expect(dot(alone, many[index])).toBeGreaterThanOrEqual(0.9999)
    }
  })

  test('exist for an empty text, and an empty list has none', async () => {
    const [vector] = await task.run('', {}, model)
    expect(dot(vector, vector)).toBeCloseTo(1, 6)
    expect(await task.run([], {}, model)).toEqual([])
  })

  test('are not computed further once the request is aborted between batches', async () => {
    const controller = new AbortController()
    let runs = 0
    const aborting: LocalModel = {
      ...model,
      signal: controller.signal,
      infer(...request) {
        runs += 1
        controller.abort()
        return model.infer(...request)
      },
    }
    const long = Array.from({ length: 20 }, () => 'word '.repeat(250))
    await expect(task.run(long, {}, aborting)).rejects.toBe(controller.signal.reason)
    expect(runs).toBe(1)
  })

  const similarity = ([a, b]: readonly [number, number]) => dot(vectors[a], vectors[b])
})

describe('feature-extraction', () => {
  const withConfig = (config: Manifest['config']): LocalModel => ({ ...model, manifest: { ...model.manifest, config } })

  test.each([
    [{ normalize: true, maxTokens: 256 }, 'must have config.pooling as "mean" or "cls", and has undefined'],
    [{ pooling: 'mean', normalize: 1, maxTokens: 256 }, 'must have config.normalize as true or false, and has 1'],
    [
      { pooling: 'mean', normalize: true, maxTokens: 2 },
      'must have config.maxTokens as a whole number from 3 up, and has 2',
    ],
  ])('refuses the settings %o', async (config, message) => {
    await expect(registry['feature-extraction'].load(withConfig(config))).rejects.toMatchObject({
      code: 'MANIFEST_INVALID',
      message: `The manifest of "all-minilm-l6-v2" ${message}.`,
    })
  })

  test('pooling by the first token and no normalisation are settings', async () => {
    const cls = withConfig({ pooling: 'cls', normalize: false, maxTokens: 256 })
    const [vector] = await (await registry['feature-extraction'].load(cls)).run('A text.', {}, cls)
    expect(dot(vector, vector)).toBeGreaterThan(2)
  })

  test('refuses an endpoint’s answer of another shape', async () => {
    const task = await registry['feature-extraction'].load(model)
    const short = { dtype: 'float32' as const, shape: [1, 1, 384], data: new Float32Array(384) }
    const context: LocalModel = { ...model, infer: () => Promise.resolve({ last_hidden_state: short }) }
    await expect(task.run('A text.', {}, context)).rejects.toMatchObject({
      code: 'OUTPUT_INVALID',
      message: 'The output "last_hidden_state" must be float32 [1, 5, any], and is float32 [1, 1, 384].',
    })
  })

  test('pools as the formulas say', () => {
    const hidden = new Float32Array([1, 2, 3, 6])
    expect([...pool(hidden, 2, { pooling: 'mean', normalize: false })]).toEqual([2, 4])
    expect([...pool(hidden, 2, { pooling: 'cls', normalize: false })]).toEqual([1, 2])
    expect([...pool(new Float32Array([3, 4]), 2, { pooling: 'mean', normalize: true })]).toEqual(
      [0.6, 0.8].map(Math.fround),
    )
    expect([...pool(new Float32Array(2), 2, { pooling: 'mean', normalize: true })]).toEqual([0, 0])
  })

  test('plans batches of like lengths within the bound', () => {
    expect(planBatches([5, 3000, 4, 1500, 1000, 1024])).toEqual([[2, 0], [4, 5], [3], [1]])
    expect(planBatches([])).toEqual([])
  })
})

function dot(a: Float32Array | undefined, b: Float32Array | undefined): number {
  return (a ?? new Float32Array()).reduce((sum, value, i) => sum + value * (b?.[i] ?? 0), 0)
}

function pairs(count: number): [number, number][] {
  const indices = Array.from({ length: count }, (_, i) => i)
  return indices.flatMap((a) => indices.slice(a + 1).map((b): [number, number] => [a, b]))
}
