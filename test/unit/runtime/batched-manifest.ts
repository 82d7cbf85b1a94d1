/** A manifest of texts whose batch dimension is symbolic. */
import type { Manifest } from '../../../packages/sdk/src/contract/index.js'
import { everywhere } from '../router/inputs.js'

const file = { path: 'model.onnx', bytes: 1, sha256: '', chunks: [] }
const model = {
  file,
  inputs: [{ name: 'input_ids', dtype: 'int64', shape: ['batch', 'tokens'] }],
  outputs: [{ name: 'last_hidden_state', dtype: 'float32', shape: ['batch', 'tokens', 4] }],
} as const

export const batchedTexts: Manifest = {
  ...everywhere,
  variants: [{ dtype: 'fp32', backends: ['wasm'], graphs: { model } }],
}
