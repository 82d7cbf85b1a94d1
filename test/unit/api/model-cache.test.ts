/** What `models.download` fetches, and what the policy keeps it from. */
import { expect, it, vi } from 'vitest'
import type { Policy } from '../../../packages/sdk/src/index.js'
import type { WorkerHost } from '../../../packages/sdk/src/runtime/index.js'
import { everywhere } from '../router/inputs.js'
import { createFakeClient } from './fake-client.js'

/** A model whose first variant is not for this device, which has no GPU. */
function downloading(policy: Policy) {
  const graphs = { model: { file: { path: 'm', bytes: 5e6, sha256: '', chunks: [] }, inputs: [], outputs: [] } }
  const variants = [
    { dtype: 'q4f16', backends: ['webgpu'], graphs },
    { dtype: 'int8', backends: ['wasm'], graphs },
  ] as const
  const download = vi.fn((..._asked: unknown[]) => Promise.resolve())
  const { client } = createFakeClient({
    options: { policy },
    readiness: () => undefined,
    locate: () => Promise.resolve({ manifest: { ...everywhere, variants }, manifestUrl: 'https://x.example/m.json' }),
    cache: (() => Promise.resolve({ state: 'absent' })) as unknown as WorkerHost['cache'], // Only status is asked.
    download,
  })
  const variantsOf = () => download.mock.calls.map(([, variant]) => variant)
  return { client, variantsOf }
}

it('a download that somebody asks for is of the variant for this device, also where data is to be saved', async () => {
  const { client, variantsOf } = downloading({ saveData: 'on' })
  await client.models.download('model')
  expect(variantsOf()).toEqual(['int8'])
})

it('nothing is downloaded that is more than the policy allows, and the error says so', async () => {
  const { client, variantsOf } = downloading({ maxDownloadBytes: 4e6 })
  const failing = client.models.download('model')
  await expect(failing).rejects.toMatchObject({ code: 'NOT_CACHED', details: { maxDownloadBytes: 4e6 } })
  await expect(failing).rejects.toThrow('the policy allows a download of 4 MB')
  expect(variantsOf()).toEqual([])
})

it('files of the user are no download', async () => {
  const { client, variantsOf } = downloading({ maxDownloadBytes: 0 })
  await client.models.add('local:model', new Blob(['x']))
  expect(variantsOf()).toEqual(['int8'])
})
