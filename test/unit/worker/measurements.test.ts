/** Where there is no IndexedDB, such as here, the worker keeps no measurements, and nobody has to care. */
import { expect, test } from 'vitest'
import { neverAborted } from '../../../packages/sdk/src/shared/index.js'
import type { CallContext } from '../../../packages/sdk/src/transport/index.js'
import { createWorkerApi } from '../../../packages/sdk/src/worker/worker-api.js'

const context: CallContext = { signal: neverAborted(), infer: () => Promise.reject(new Error('not to be asked')) }

test('without a database, nothing is remembered and nothing recalled', async () => {
  const api = createWorkerApi()
  const [browser, records] = ['Browser/1', [{ key: 'a', runs: [], loads: [], usedAt: 1 }]]
  await api.remember({ browser, records }, context)
  expect(await api.recall({ browser }, context)).toEqual({ records: [] })
})
