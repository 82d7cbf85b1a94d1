/** What a model costs is counted where every weight is an element of its own, if there is such a variant. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { model, rawWeight, weight } from '../../../models/onnx-writer.mjs'
import { countCost } from '../../../packages/server/src/pack/count-cost.js'
import type { Recipe } from '../../../packages/server/src/pack/recipe.js'
import { encodeVarint } from '../../../packages/sdk/src/formats/protobuf.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgeward-cost-'))
  const graph = (...initializers: Buffer[]) => model({ name: 'g', nodes: [], inputs: [], outputs: [], initializers })
  const ones = (length: number) => weight(`of ${length}`, [length], Array<number>(length).fill(1))
  // The last of two dtypes in a message is the one that counts.
  const bytes = Buffer.concat([rawWeight('packed', [4, 6], Buffer.alloc(24)), encodeVarint(2, 2)])
  await writeFile(join(folder, 'whole.onnx'), graph(ones(48), ones(2)))
  await writeFile(join(folder, 'packed.onnx'), graph(bytes, ones(2)))
  return () => rm(folder, { recursive: true })
})

const variant = (dtype: 'fp32' | 'q4', ...files: string[]): Recipe['variants'][number] => ({
  dtype,
  backends: ['wasm'],
  graphs: Object.fromEntries(files.map((file, index) => [`graph ${index}`, { file }])),
})
const costOf = (variants: Recipe['variants'], operationsPerUnit?: number) => {
  const recipe: Recipe = { id: 'm', task: 'tensors', licence: 'MIT', config: {}, files: {}, assets: {}, variants }
  const stated = operationsPerUnit === undefined ? recipe : { ...recipe, operationsPerUnit }
  return countCost(stated, (name) => join(folder, name))
}

it('counts the best variant that is not packed', () => {
  const whole = { parameters: 50, largestTensorParameters: 48 }
  expect(costOf([variant('q4', 'packed.onnx'), variant('fp32', 'whole.onnx')])).toEqual(whole)
})

it('counts each byte of a packed variant as two weights, where there is no other', () => {
  expect(costOf([variant('q4', 'packed.onnx')])).toEqual({ parameters: 50, largestTensorParameters: 48 })
})

it('adds up all graphs, and says what the recipe states', () => {
  const both = [variant('fp32', 'whole.onnx', 'packed.onnx')] as const
  expect(costOf([...both], 7)).toEqual({ parameters: 76, operationsPerUnit: 7, largestTensorParameters: 48 })
})
