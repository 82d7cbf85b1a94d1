/** Where there is no IndexedDB, such as here, the worker keeps no measurements, and nobody has to care. */
import { expect, test, vi } from 'vitest'
import { neverAborted } from '../../../packages/sdk/src/shared/index.js'
import type { CallContext } from '../../../packages/sdk/src/transport/index.js'
import type { WeightsStore } from '../../../packages/sdk/src/weights/index.js'
import { measurementHandlers } from '../../../packages/sdk/src/worker/measurement-handlers.js'
import { runtimeDigests } from '../../../packages/sdk/src/worker/runtime-digests.js'
import { createWorkerApi } from '../../../packages/sdk/src/worker/worker-api.js'

const context: CallContext = { signal: neverAborted(), infer: () => Promise.reject(new Error('not to be asked')) }

test('without a database, nothing is remembered and nothing recalled', async () => {
  const api = createWorkerApi()
  const [browser, records] = ['Browser/1', [{ key: 'a', runs: [], loads: [], usedAt: 1 }]]
  await api.remember({ browser, records }, context)
  expect(await api.recall({ browser }, context)).toEqual({ records: [] })
})

test('what was measured, and ruled out, with another ONNX Runtime does not count: it may compute rightly', async () => {
  const recall = vi.fn(() => Promise.resolve({ records: [] }))
  const remember = vi.fn(() => Promise.resolve())
  const store = { measurements: { recall, remember } } as unknown as WeightsStore // All that is asked of it.
  const handlers = measurementHandlers(() => Promise.resolve(store))
  await handlers.recall({ browser: 'Browser/1' }, context)
  await handlers.remember({ browser: 'Browser/1', records: [] }, context)
  const key = `Browser/1 ${runtimeDigests.wasm}`
  expect(recall).toHaveBeenCalledWith(key)
  expect(remember).toHaveBeenCalledWith(key, { records: [] })
})
