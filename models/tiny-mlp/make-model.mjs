// @ts-check
/** Makes `model.onnx`: x [batch, 4] → Gemm → Relu (16 wide) → Gemm → y [batch, 3]. Run: node models/tiny-mlp/make-model.mjs */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { dataType, model, node, value, weight } from '../onnx-writer.mjs'

const hidden = 16

/** @returns {Buffer} */
export function makeModel() {
  const random = uniform(1)
  const fill = (/** @type {number} */ length) => Array.from({ length }, random)
  return model({
    name: 'tiny-mlp',
    nodes: [
      node('Gemm', ['x', 'hidden.weight', 'hidden.bias'], ['hidden']),
      node('Relu', ['hidden'], ['activated']),
      node('Gemm', ['activated', 'output.weight', 'output.bias'], ['y']),
    ],
    initializers: [
      weight('hidden.weight', [4, hidden], fill(4 * hidden)),
      weight('hidden.bias', [hidden], fill(hidden)),
      weight('output.weight', [hidden, 3], fill(hidden * 3)),
      weight('output.bias', [3], fill(3)),
    ],
    inputs: [value('x', dataType.float32, ['batch', 4])],
    outputs: [value('y', dataType.float32, ['batch', 3])],
  })
}

/**
 * Numbers in [-1, 1) that are the same on every machine: the generator "mulberry32".
 *
 * @param {number} seed
 */
function uniform(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 31 - 1
  }
}

const self = fileURLToPath(import.meta.url)
if (process.argv[1] === self) writeFileSync(fileURLToPath(new URL('model.onnx', import.meta.url)), makeModel())
