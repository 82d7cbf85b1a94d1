/** Answer now, move later: what the client does while a model is on its way to the device. */
import { describe, expect, it, vi } from 'vitest'
import type { EdgewardEvents, Engine } from '../../../packages/sdk/src/contract/index.js'
import { EdgewardError } from '../../../packages/sdk/src/errors/index.js'
import { createDeferred } from '../../../packages/sdk/src/shared/index.js'
import { everywhere } from '../router/inputs.js'
import { createFakeClient, engineOf, remote, untouchable, wasm, x } from './fake-client.js'

/** A device that has the model when the test says so. */
function slowDevice() {
  const arriving = createDeferred<undefined>()
  const state: { is: 'ready' | 'loading' | undefined } = { is: undefined }
  const prepare = vi.fn<Engine['prepare']>(async () => {
    state.is = 'loading'
    await arriving.promise
    state.is = 'ready'
  })
  const arrive = async () => {
    arriving.resolve(undefined)
    await arriving.promise
    await Promise.resolve()
  }
  return { engine: engineOf('device', { prepare }), prepare, arrive, readiness: () => state.is }
}

describe('a model that is not on the device yet', () => {
  it('is answered for by the endpoint while it comes, once, at low priority, and by the device from then on', async () => {
    const { engine, prepare, arrive, readiness } = slowDevice()
    const { client } = createFakeClient({ engines: { device: engine, remote: engineOf('remote') }, readiness })
    const moves: EdgewardEvents['placement'][] = []
    client.on('placement', (move) => moves.push(move))

    expect((await client.run('model', x)).placement).toEqual(remote)
    expect((await client.run('model', x)).placement).toEqual(remote)
    expect(prepare).toHaveBeenCalledOnce()
    expect(prepare.mock.calls[0]?.[0]).toEqual(wasm)
    expect(prepare.mock.calls[0]?.[3]).toBe('low')
    expect(moves).toEqual([])

    await arrive()
    expect((await client.run('model', x)).placement).toEqual(wasm)
    expect(moves).toMatchObject([{ model: 'model', from: remote, to: wasm }])
    expect(moves[0]?.reason).not.toBe('')
  })

  it.each([
    ['without an endpoint', {}, {}],
    ['under local-only', { residency: 'local-only' }, { remote: untouchable('remote') }],
    ['under cheapest', { prefer: 'cheapest' }, { remote: untouchable('remote') }],
  ] as const)('is waited for %s', async (_, policy, engines) => {
    const { engine, prepare } = slowDevice()
    const device = { ...engine, prepare }
    const { client } = createFakeClient({ engines: { device, ...engines }, readiness: () => undefined })
    expect((await client.run('model', x, { policy })).placement).toEqual(wasm)
    expect(prepare).not.toHaveBeenCalled()
  })

  it('is waited for by prepare, which is there for that', async () => {
    const { engine, prepare, arrive, readiness } = slowDevice()
    const { client } = createFakeClient({ engines: { device: engine, remote: engineOf('remote') }, readiness })
    const preparing = client.prepare('model')
    await vi.waitFor(() => expect(prepare).toHaveBeenCalledOnce())
    expect(prepare.mock.calls[0]?.[3]).toBeUndefined()
    await arrive()
    expect(await preparing).toEqual(wasm)
  })

  it('stays off the network when that would be more than may be downloaded', async () => {
    const { engine, prepare } = slowDevice()
    const { client } = createFakeClient({
      engines: { device: engine, remote: engineOf('remote') },
      readiness: () => undefined,
      options: { policy: { maxDownloadBytes: 0 } },
      locate: ({ modelsUrls: [first], model }) =>
        Promise.resolve({ manifest: manifestOf(1_000), manifestUrl: `${first}${model}/manifest.json` }),
    })
    expect((await client.run('model', x)).placement).toEqual(remote)
    expect(prepare).not.toHaveBeenCalled()
    const { ruledOut } = await client.explain('model')
    expect(ruledOut.map(({ reason }) => reason).join()).toContain('the policy allows a download of')
  })

  it('comes when most of it is in the cache, and the rest is less than may be downloaded', async () => {
    const { engine, prepare } = slowDevice()
    const { client } = createFakeClient({
      engines: { device: engine, remote: engineOf('remote') },
      readiness: () => undefined,
      options: { policy: { maxDownloadBytes: 100 } },
      missing: () => Promise.resolve({ fp32: { files: ['model.onnx'], bytes: 10 } }),
      locate: ({ modelsUrls: [first], model }) =>
        Promise.resolve({ manifest: manifestOf(1_000), manifestUrl: `${first}${model}/manifest.json` }),
    })
    expect((await client.run('model', x)).placement).toEqual(remote)
    expect(prepare).toHaveBeenCalledOnce()
  })

  it('is not tried again on a device that computes it wrongly', async () => {
    const prepare = vi.fn(() => Promise.reject(new EdgewardError('CANARY_FAILED', 'wrong numbers')))
    const { client } = createFakeClient({
      engines: { device: engineOf('device', { prepare }), remote: engineOf('remote') },
      readiness: () => undefined,
    })
    await client.run('model', x)
    await client.run('model', x)
    await client.run('model', x)
    expect(prepare).toHaveBeenCalledOnce()
    const { ruledOut, background } = await client.explain('model')
    expect(background).toContain('CANARY_FAILED')
    expect(ruledOut.find(({ placement }) => 'backend' in placement && placement.backend === 'wasm')?.code).toBe(
      'CANARY_FAILED',
    )
  })
})

/** A manifest with one variant of so many bytes. */
function manifestOf(bytes: number) {
  const file = { path: 'model.onnx', bytes, sha256: '', chunks: [] }
  const graph = { file, inputs: [], outputs: [] }
  return {
    ...everywhere,
    variants: [{ dtype: 'fp32', backends: ['webgpu', 'wasm'], graphs: { model: graph } }],
  } as const
}
