/** What a graph takes and gives, read from the file: the same that ONNX Runtime says of it. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { dataType, model, node, value, weight } from '../../../models/onnx-writer.mjs'
import { readGraphSignature } from '../../../packages/sdk/src/formats/index.js'
import { parseManifest } from '../../../packages/sdk/src/weights/manifest.js'
import { fromRoot } from '../../../scripts/lib/root.mjs'

test.each(['tiny-mlp', 'all-minilm-l6-v2', 'pp-ocrv4', 'echo-string'])(
  'the inputs and outputs of %s are those that ONNX Runtime told the packing tool',
  (id) => {
    const folder = fromRoot('.models', id)
    const manifest = parseManifest(JSON.parse(readFileSync(`${folder}/manifest.json`, 'utf8')), id)
    for (const { file, inputs, outputs } of Object.values(manifest.variants[0].graphs)) {
      expect(readGraphSignature(readFileSync(`${folder}/${file.path}`), file.path)).toEqual({ inputs, outputs })
    }
  },
)

test('a weight that is listed among the inputs is none', () => {
  const bytes = model({
    name: 'g',
    nodes: [node('Add', ['x', 'w'], ['y'])],
    inputs: [value('x', dataType.float32, ['batch', 2]), value('w', dataType.float32, [2])],
    outputs: [value('y', dataType.float32, ['batch', 2])],
    initializers: [weight('w', [2], [1, 2])],
  })
  const spec = { dtype: 'float32', shape: ['batch', 2] }
  expect(readGraphSignature(bytes, 'g.onnx')).toEqual({
    inputs: [{ name: 'x', ...spec }],
    outputs: [{ name: 'y', ...spec }],
  })
})

test.each([
  ['a page', Buffer.from('<!doctype html><title>Not found</title>')],
  ['nothing', Buffer.alloc(0)],
  ['half a model', readFileSync(fromRoot('models', 'tiny-mlp', 'model.onnx')).subarray(0, 100)],
])('%s is no model, and the message names the file', (_, bytes) => {
  expect(() => readGraphSignature(bytes, 'x.onnx')).toThrow(
    expect.objectContaining({ code: 'MANIFEST_INVALID', message: 'x.onnx is not an ONNX model' }),
  )
})

test('a dtype that Edgeward does not have is said so', () => {
  const bfloat16 = 16
  const port = [value('x', bfloat16, [1])]
  const bytes = model({ name: 'g', nodes: [], inputs: port, outputs: [] })
  expect(() => readGraphSignature(bytes, 'x.onnx')).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_DTYPE' }))
})
