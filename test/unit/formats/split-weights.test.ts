/** A one-file model, parted into graph and weights, answers as before: compared with native ONNX Runtime. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { expect, test } from 'vitest'
import { dataType, model, node, value, weight } from '../../../models/onnx-writer.mjs'
import { externalTensors, splitWeights } from '../../../packages/sdk/src/formats/index.js'
import { canaryTensor } from '../../../packages/sdk/src/weights/canary-tensor.js'
import { ChunkedFile } from '../../../packages/sdk/src/weights/chunked-file.js'
import { parseManifest } from '../../../packages/sdk/src/weights/manifest.js'
import { fromRoot } from '../../../scripts/lib/root.mjs'

const chunkBytes = 65_536

/** The file in chunks, as the weights store gives it. */
function chunked(bytes: Uint8Array): ChunkedFile {
  const file = new ChunkedFile({ path: 'model.onnx', bytes: bytes.length }, chunkBytes)
  for (let index = 0; index * chunkBytes < bytes.length; index += 1) {
    file.put(index, Uint8Array.from(bytes.subarray(index * chunkBytes, (index + 1) * chunkBytes)))
  }
  return file
}

/** A model with a weight of 128 KiB, and a small one. */
function largeModel(): Buffer {
  const values = Array.from({ length: 256 * 128 }, (_, index) => (index % 13) / 13)
  return model({
    name: 'g',
    nodes: [node('MatMul', ['x', 'w'], ['xw']), node('Add', ['xw', 'b'], ['y'])],
    inputs: [value('x', dataType.float32, ['batch', 256])],
    outputs: [value('y', dataType.float32, ['batch', 128])],
    initializers: [weight('w', [256, 128], values), weight('b', [128], values.slice(0, 128))],
  })
}

async function answers(path: string, feeds: Record<string, Tensor>): Promise<readonly (readonly unknown[])[]> {
  const session = await InferenceSession.create(path, { logSeverityLevel: 3 })
  const results = await session.run(feeds)
  await session.release()
  return Object.values(results).map(({ data }) => Array.from(data as Iterable<unknown>))
}

/** Runs the parted model with the file itself as its external data, beside it as `model.onnx`. */
async function partedAnswers(
  bytes: Uint8Array,
  feeds: Record<string, Tensor>,
  onTestFinished: (undo: () => void) => void,
) {
  const folder = mkdtempSync(join(tmpdir(), 'edgeward-split-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const parted = splitWeights(chunked(bytes), 'model.onnx')
  if (!parted) throw new Error('there was nothing to part')
  writeFileSync(join(folder, 'model.onnx'), bytes)
  writeFileSync(join(folder, 'parted.onnx'), parted)
  return { parted, results: await answers(join(folder, 'parted.onnx'), feeds) }
}

test('MiniLM answers the same, and its graph without weights is less than a fiftieth of the file', async ({
  onTestFinished,
}) => {
  const folder = fromRoot('.models', 'all-minilm-l6-v2')
  const manifest = parseManifest(JSON.parse(readFileSync(`${folder}/manifest.json`, 'utf8')), 'all-minilm-l6-v2')
  const graph = manifest.variants[0].graphs['model']
  if (!graph?.canary) throw new Error('MiniLM has a canary')
  const feeds = Object.fromEntries(
    Object.entries(graph.canary.inputs).map(([name, input]) => {
      const { dtype, data, shape } = canaryTensor(input)
      return [name, new Tensor(dtype as 'int64', data as BigInt64Array, shape)]
    }),
  )
  const path = `${folder}/${graph.file.path}`
  const bytes = readFileSync(path)
  const { parted, results } = await partedAnswers(bytes, feeds, onTestFinished)
  expect(results).toEqual(await answers(path, feeds))
  expect(parted.length).toBeLessThan(bytes.length / 50)
})

test('only large weights are named as external data, where they lie in the file', async ({ onTestFinished }) => {
  const bytes = largeModel()
  const feeds = {
    x: new Tensor(
      'float32',
      Float32Array.from({ length: 512 }, (_, index) => index / 512),
      [2, 256],
    ),
  }
  const { parted, results } = await partedAnswers(bytes, feeds, onTestFinished)
  const [only, ...others] = externalTensors(parted) ?? []
  expect(others).toEqual([])
  expect(only).toMatchObject({ location: 'model.onnx', bytes: 256 * 128 * 4 })
  const offset = only?.offset ?? 0
  expect(bytes.readFloatLE(offset + 4)).toBeCloseTo(1 / 13)
  const whole = join(mkdtempSync(join(tmpdir(), 'edgeward-split-')), 'model.onnx')
  onTestFinished(() => rmSync(join(whole, '..'), { recursive: true }))
  writeFileSync(whole, bytes)
  expect(results).toEqual(await answers(whole, feeds))
})

test('the bytes of a large weight are not even looked at', () => {
  const file = chunked(largeModel())
  file.letGo(1) // The weight lies in all three chunks.
  expect(splitWeights(file, 'model.onnx')).toEqual(splitWeights(largeModel(), 'model.onnx'))
})

test('a model that was parted already stays as it is', () => {
  const parted = splitWeights(largeModel(), 'weights.bin')
  expect(parted && splitWeights(parted, 'model.onnx')).toBeUndefined()
})

test.each([
  ['a model of small weights', readFileSync(fromRoot('models', 'tiny-mlp', 'model.onnx'))],
  ['a page', Buffer.from('<!doctype html><title>Not found</title>')],
  ['half a model', largeModel().subarray(0, 70_000)],
  ['nothing', Buffer.alloc(0)],
])('%s is left as it is', (_, bytes) => {
  expect(splitWeights(bytes, 'model.onnx')).toBeUndefined()
})

test('the weights of models whose operators hold them are left alone', () => {
  const bytes = readFileSync(fromRoot('.models', 'pp-ocrv4', 'recognition.onnx'))
  expect(splitWeights(bytes, 'recognition.onnx')).toBeUndefined()
  expect(externalTensors(bytes)).toEqual([])
})
