/** The project's own models, from the real packages: fetched once on a machine, from the cache afterwards. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Ajv } from 'ajv'
import { describe, expect, it } from 'vitest'
import { parseManifest } from '../../../packages/sdk/src/manifest.js'
import { pack } from '../../../packages/server/src/pack.js'
import { createWorkplace } from './workplace.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const schema = JSON.parse(await readFile(join(root, 'packages/sdk/manifest.schema.json'), 'utf8')) as object
const acceptsBySchema = new Ajv({ strictTuples: false }).compile(schema)

// MiniLM without its pooler has 22,565,376 weights; the rest are scales and zero points. Its largest: 30,522 words × 384.
describe.each([
  [
    'models/all-minilm-l6-v2',
    { model: ['input_ids', 'attention_mask', 'token_type_ids'] },
    { parameters: 22_617_152, operationsPerUnit: 21_293_568, largestTensorParameters: 30_522 * 384 },
  ],
  [
    'models/pp-ocrv4',
    { detection: ['x'], recognition: ['x'], classification: ['x'] },
    { parameters: 3_995_801, operationsPerUnit: 34_200_000_000, largestTensorParameters: 120 * 6_625 },
  ],
  ['models/tiny-mlp', { model: ['x'] }, { parameters: 131, operationsPerUnit: 56_000, largestTensorParameters: 64 }],
  ['test/fixtures/models/echo-string', { model: ['text'] }, { parameters: 0, largestTensorParameters: 0 }],
])('%s', (folder, graphs, cost) => {
  it(
    'packs into a manifest that both checks accept, with canaries that can find something',
    { timeout: 180_000 },
    async () => {
      const { out } = await createWorkplace()
      const { dir } = await pack({ recipe: join(root, folder), out })
      const json: unknown = JSON.parse(await readFile(join(dir, 'manifest.json'), 'utf8'))
      const manifest = parseManifest(json, dir)
      expect(acceptsBySchema(json), JSON.stringify(acceptsBySchema.errors)).toBe(true)
      expect(manifest.cost).toEqual(cost)
      const found = Object.entries(manifest.variants[0].graphs)
      expect(Object.fromEntries(found.map(([name, { inputs }]) => [name, inputs.map((input) => input.name)]))).toEqual(
        graphs,
      )
      const outputs = found.flatMap(([, { canary }]) => Object.values(canary?.outputs ?? {}))
      for (const { values } of outputs) {
        expect(values.every(Number.isFinite)).toBe(true)
        expect(values.length).toBeLessThanOrEqual(64)
        expect(values.some((value) => Math.abs(value) > 0.05)).toBe(true)
      }
      expect(outputs).toHaveLength(folder.endsWith('echo-string') ? 0 : found.length)
    },
  )
})

describe('all-minilm-l6-v2', () => {
  it('has no zero among the values of its canary', async () => {
    const { out } = await createWorkplace()
    const { manifest } = await pack({ recipe: join(root, 'models/all-minilm-l6-v2'), out })
    const values = manifest.variants[0].graphs['model']?.canary?.outputs['last_hidden_state']?.values ?? []
    expect(values).toHaveLength(64)
    expect(values).not.toContain(0)
  })

  it('has a canary from the fp32 model, which is not shipped', async () => {
    const { out } = await createWorkplace()
    const { manifest, dir } = await pack({ recipe: join(root, 'models/all-minilm-l6-v2'), out })
    expect(manifest.variants[0].graphs['model']?.canary?.madeFrom).toBe('fp32')
    expect((await readdir(dir)).sort()).toEqual([
      'manifest.json',
      'model_q8.onnx',
      'tokenizer.json',
      'tokenizer_config.json',
    ])
  })
})

describe('models made by a script', () => {
  it.each([
    ['models/tiny-mlp/model.onnx', 'make-model.mjs'],
    ['test/fixtures/models/echo-string/model.onnx', 'make-model.mjs'],
    ['models/all-minilm-l6-v2/fp32.onnx', 'make-fp32.mjs'],
  ])('%s is what its script makes, byte for byte', async (file, script) => {
    const { makeModel } = (await import(join(root, file, '..', script))) as { makeModel(): Buffer }
    expect(makeModel()).toEqual(await readFile(join(root, file)))
  })
})
