/** Server-side rendering: importing and creating do nothing; only a request says that Node is no device. */
import { expect, it, onTestFinished, vi } from 'vitest'
import { createClient } from '../../../packages/sdk/src/index.js'

it('a client can be created and disposed of outside a page', async () => {
  const edge = createClient({ remote: { protocol: 'oip', url: 'https://endpoint.example' } })
  edge.pipeline('feature-extraction', 'all-minilm-l6-v2')
  expect(await edge.capabilities()).toMatchObject({ workers: false, crossOriginIsolated: false, secureContext: false })
  await edge.dispose()
})

it('the first request says what is missing', async () => {
  const x = { dtype: 'float32', shape: [1], data: Float32Array.of(1) } as const
  const relative = createClient()
  await expect(relative.run('tiny-mlp', { x })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  const absolute = createClient({ models: 'https://models.example/' })
  await expect(absolute.run('tiny-mlp', { x })).rejects.toMatchObject({ code: 'DEVICE_UNSUPPORTED' })
  await Promise.all([relative.dispose(), absolute.dispose()])
})

it('the doctor has findings there, too', async () => {
  const unheard = 'http://127.0.0.1:9'
  const edge = createClient({ models: 'https://models.example/', remote: { protocol: 'oip', url: unheard } })
  const codes = (await edge.doctor()).map(({ code }) => code)
  expect(codes).toContain('insecure-context')
  expect(codes).toContain('endpoint-unreachable')
  await edge.dispose()
})

it('importing and creating ask nobody for anything', async () => {
  const globals = { fetch: vi.fn(), Worker: vi.fn(), setInterval: vi.fn(), navigator: { locks: { request: vi.fn() } } }
  for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value)
  onTestFinished(() => void vi.unstubAllGlobals())
  vi.resetModules()
  const fresh = await import('../../../packages/sdk/src/index.js')
  fresh.createClient({ remote: { protocol: 'oip', url: 'https://endpoint.example' } })
  const { fetch, Worker, setInterval, navigator } = globals
  for (const spy of [fetch, Worker, setInterval, navigator.locks.request]) expect(spy).not.toHaveBeenCalled()
})
