/** How soon a load that is cancelled lets go of the network: nothing is waited for in between. */
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Manifest } from '../../../packages/sdk/src/contract/index.js'
import { createDeferred, neverAborted } from '../../../packages/sdk/src/shared/index.js'
import { modelKey, type CallContext } from '../../../packages/sdk/src/transport/index.js'
import { createWorkerApi } from '../../../packages/sdk/src/worker/worker-api.js'
import { everywhere } from '../router/inputs.js'

const sha256 = 'a'.repeat(64)
const file = { path: 'model.onnx', bytes: 1, sha256, chunks: [sha256] }
const manifest: Manifest = {
  ...everywhere,
  variants: [{ dtype: 'fp32', backends: ['wasm'], graphs: { model: { file, inputs: [], outputs: [] } } }],
}
const context: CallContext = { signal: neverAborted(), infer: () => Promise.reject(new Error('not to be asked')) }

test('a download that the page cancels has aborted its request when the call returns', async () => {
  const asked = createDeferred<AbortSignal>()
  vi.stubGlobal('fetch', (_: string, { signal }: { readonly signal: AbortSignal }) => {
    asked.resolve(signal)
    return new Promise(() => undefined)
  })
  onTestFinished(() => void vi.unstubAllGlobals())
  const api = createWorkerApi()
  await api.register({ manifest, manifestUrl: 'https://models.example/model/manifest.json' }, context)
  const events = await api.download({ model: modelKey(manifest), variant: 'fp32' }, context)
  const signal = await asked.promise
  const reason = new Error('the user went elsewhere')
  const cancelled = events.cancel(reason)
  expect(signal.reason).toBe(reason)
  await cancelled
})
