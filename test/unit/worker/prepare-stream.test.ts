/** A preparation that fails leaves what it shares with others alone. */
import { createHash } from 'node:crypto'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { Graph, Manifest, TensorSpec } from '../../../packages/sdk/src/contract/index.js'
import { createDeferred, neverAborted } from '../../../packages/sdk/src/shared/index.js'
import { modelKey, type CallContext } from '../../../packages/sdk/src/transport/index.js'
import { createWorkerApi } from '../../../packages/sdk/src/worker/worker-api.js'
import { everywhere } from '../router/inputs.js'

const bytes = new TextEncoder().encode('no tokenizer')
const sha256 = createHash('sha256').update(bytes).digest('hex')
const tokenizer = { path: 'tokenizer.json', bytes: bytes.length, sha256, chunks: [sha256] }
const ids = (name: string): TensorSpec => ({ name, dtype: 'int64', shape: ['batch', 'tokens'] })
const model: Graph = {
  file: { path: 'model.onnx', bytes: 1, sha256, chunks: [sha256] },
  inputs: [ids('input_ids'), ids('attention_mask')],
  outputs: [{ name: 'last_hidden_state', dtype: 'float32', shape: ['batch', 'tokens', 4] }],
}
const manifest: Manifest = {
  ...everywhere,
  assets: { tokenizer, tokenizerConfig: tokenizer },
  config: { pooling: 'mean', normalize: true, maxTokens: 8 },
  variants: [{ dtype: 'fp32', backends: ['wasm'], graphs: { model } }],
}
const context: CallContext = { signal: neverAborted(), infer: () => Promise.reject(new Error('not to be asked')) }

it('an asset that is still loading when a backend fails is there for the next one', async () => {
  const arriving = createDeferred<Response>()
  const asked = createDeferred<undefined>()
  vi.stubGlobal('fetch', (input: string | URL | Request) => {
    if (!String(input instanceof Request ? input.url : input).includes('tokenizer'))
      return Promise.reject(new TypeError('offline'))
    asked.resolve(undefined)
    return arriving.promise
  })
  onTestFinished(() => void vi.unstubAllGlobals())
  const api = createWorkerApi()
  await api.register({ manifest, manifestUrl: 'https://models.example/model/manifest.json' }, context)
  const key = modelKey(manifest)
  const place = { model: key, backend: 'wasm', variant: 'fp32', threads: 1 } as const
  const events = await api.prepare(place, context)
  // The graph cannot be fetched, nor can Node load the runtime: this fails while the tokenizer is on its way.
  await expect(events.pipeTo(new WritableStream())).rejects.toMatchObject({ name: 'EdgewardError' })
  await asked.promise
  const waiting = api.process({ model: key, task: 'feature-extraction', input: 'text', options: {} }, context)
  arriving.resolve(new Response(bytes))
  // It has arrived: what is wrong with it is its content, which nobody could know otherwise.
  await expect(waiting).rejects.toMatchObject({ code: 'MANIFEST_INVALID' })
})
