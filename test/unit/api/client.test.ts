/** The client's promises, on engines that the test writes. */
import { describe, expect, it, vi } from 'vitest'
import type { EdgewardEvents, Engine } from '../../../packages/sdk/src/contract/index.js'
import { EdgewardError } from '../../../packages/sdk/src/errors/index.js'
import { createDeferred } from '../../../packages/sdk/src/shared/index.js'
import { cpuOnly, everywhere } from '../router/inputs.js'
import { createFakeClient, engineOf, remote, untouchable, wasm, x, y } from './fake-client.js'

const failing = (kind: 'device' | 'remote', code: 'RUN_FAILED' | 'SESSION_FAILED' | 'REMOTE_UNREACHABLE'): Engine => {
  const fail = () => Promise.reject(new EdgewardError(code, code))
  return engineOf(kind, { run: fail, prepare: fail })
}
/** An engine whose work never ends, whatever happens; and when it has been asked. */
function stuck(kind: 'device' | 'remote') {
  const asked = createDeferred<undefined>()
  const hang = () => {
    asked.resolve(undefined)
    return new Promise<never>(() => undefined)
  }
  return { engine: engineOf(kind, { run: hang, prepare: hang }), asked: asked.promise }
}

describe('a request', () => {
  it('is answered with output, placement, timings and attempts', async () => {
    const { client } = createFakeClient()
    const result = await client.run('model', x)
    expect(result).toMatchObject({ output: y, placement: wasm, attempts: [], timings: { inferenceMs: 1 } })
  })

  it('reaches the engine with its input, its own options and the source of its model', async () => {
    const run = vi.fn((..._sent: unknown[]) => Promise.resolve({ output: y, timings: {} } as never))
    const { client } = createFakeClient({ engines: { device: engineOf('device', { run }) } })
    const signal = new AbortController().signal
    await client.run('model', x, { outputs: ['y'], signal, policy: { prefer: 'device' } })
    expect(run).toHaveBeenCalledOnce()
    expect(run.mock.calls[0]?.slice(0, 2)).toEqual([
      wasm,
      {
        model: 'model',
        task: 'tensors',
        input: x,
        options: { outputs: ['y'] },
        lane: 'default',
        maxQueued: Infinity,
        manifest: everywhere,
        manifestUrl: 'https://models.example/model/manifest.json',
      },
    ])
  })

  it('falls back, and tells who listens', async () => {
    const { client } = createFakeClient({
      engines: { device: failing('device', 'RUN_FAILED'), remote: engineOf('remote') },
    })
    const told: unknown[] = []
    client.on('fallback', (event) => told.push(['fallback', event]))
    client.on('answer', (event) => told.push(['answer', event]))
    const { placement, attempts, timings } = await client.run('model', x)
    expect(placement).toEqual(remote)
    expect(attempts).toMatchObject([{ placement: wasm, code: 'RUN_FAILED' }])
    expect(told).toEqual([
      ['fallback', { model: 'model', task: 'tensors', attempt: attempts[0] }],
      ['answer', { model: 'model', task: 'tensors', placement, timings, attempts }],
    ])
  })

  it('overrides the policy of the client, key by key', async () => {
    const { client } = createFakeClient({ options: { policy: { prefer: 'remote' } } })
    expect((await client.run('model', x)).placement).toEqual(remote)
    expect((await client.run('model', x, { policy: { prefer: 'device' } })).placement).toEqual(wasm)
    expect((await client.run('model', x, { policy: { residency: 'local-only' } })).placement).toEqual(wasm)
    expect((await client.run('model', x)).placement).toEqual(remote)
  })

  it('of tensors is answered by the endpoint when there is no manifest', async () => {
    const { client } = createFakeClient({
      locate: () => Promise.reject(new EdgewardError('MANIFEST_NOT_FOUND', 'not there')),
    })
    expect((await client.run('model', x)).placement).toEqual(remote)
    const embed = client.pipeline('feature-extraction', 'model')
    await expect(embed('text')).rejects.toMatchObject({ code: 'MANIFEST_NOT_FOUND' })
  })

  it('with wrong input or options fails before anything is asked', async () => {
    const locate = vi.fn(() => Promise.reject(new Error('not to be asked')))
    const { client } = createFakeClient({ locate })
    await expect(client.run('model', 'text' as never)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    await expect(client.run('model', x, { output: ['y'] } as never)).rejects.toThrow('did you mean outputs?')
    expect(() => client.pipeline('feature-extracton' as never, 'model')).toThrow(/feature-extraction/)
    expect(locate).not.toHaveBeenCalled()
  })
})

describe('a local-only request', () => {
  const policy = { residency: 'local-only' } as const

  it('never touches the remote engine, whatever happens on the device', async () => {
    for (const device of [engineOf('device'), failing('device', 'RUN_FAILED')]) {
      const { client } = createFakeClient({ engines: { device, remote: untouchable('remote') } })
      const outcomes = await Promise.allSettled([
        client.run('model', x, { policy }),
        client.run('model', x, { policy: { ...policy, prefer: 'remote' } }),
        client.prepare('model', { policy }),
        client.explain('model', undefined, { policy }),
      ])
      expect(
        JSON.stringify(outcomes, (_key, value: unknown) => (value instanceof Error ? value.message : value)),
      ).not.toContain('touched')
    }
  })

  it('fails with the reasons when the device cannot', async () => {
    const { client } = createFakeClient({
      options: { device: false, policy },
      engines: { remote: untouchable('remote') },
    })
    const running = client.run('model', x)
    await expect(running).rejects.toMatchObject({ code: 'DEVICE_UNSUPPORTED' })
    await expect(running).rejects.toThrow('local-only')
  })
})

describe("the caller's abort", () => {
  it('rejects with its very reason, before, during and whatever the engine does', async () => {
    const { engine, asked } = stuck('device')
    const { client } = createFakeClient({ engines: { device: engine, remote: untouchable('remote') } })
    const reason = new DOMException('The user left', 'AbortError')
    await expect(client.run('model', x, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const caller = new AbortController()
    const running = client.run('model', x, { signal: caller.signal })
    await asked
    caller.abort(reason)
    await expect(running).rejects.toBe(reason)
  })

  it('does not wait for a manifest, a probe or a preparation', async () => {
    const never = () => new Promise<never>(() => undefined)
    const { engine } = stuck('device')
    const clients = [
      createFakeClient({ locate: never }),
      createFakeClient({ probe: never }),
      createFakeClient({ engines: { device: engine } }),
    ]
    for (const { client } of clients) {
      const caller = new AbortController()
      const calls = [
        client.run('model', x, { signal: caller.signal }),
        client.prepare('model', { signal: caller.signal }),
      ]
      caller.abort('gone')
      expect(await Promise.allSettled(calls)).toMatchObject([{ reason: 'gone' }, { reason: 'gone' }])
    }
  })

  it('does not take the manifest from another request', async () => {
    const located = createDeferred<{ manifest: typeof everywhere; manifestUrl: string }>()
    const { client } = createFakeClient({ locate: () => located.promise })
    const caller = new AbortController()
    const leaving = client.run('model', x, { signal: caller.signal })
    const staying = client.run('model', x)
    caller.abort('gone')
    located.resolve({ manifest: everywhere, manifestUrl: 'https://models.example/model/manifest.json' })
    await expect(leaving).rejects.toBe('gone')
    expect((await staying).placement).toEqual(wasm)
  })
})

describe('preparing', () => {
  it('resolves with where the model will run', async () => {
    const prepare = vi.fn<Engine['prepare']>(() => Promise.resolve())
    const { client } = createFakeClient({ engines: { device: engineOf('device', { prepare }) } })
    expect(await client.prepare('model')).toEqual(wasm)
    expect(prepare.mock.calls[0]?.[0]).toEqual(wasm)
  })

  it('resolves with the endpoint when the device cannot', async () => {
    const { client } = createFakeClient({
      engines: { device: failing('device', 'SESSION_FAILED'), remote: engineOf('remote') },
    })
    expect(await client.prepare('model')).toEqual(remote)
    expect(await createFakeClient({ options: { device: false } }).client.prepare('model')).toEqual(remote)
  })

  it('tells the progress of its own model, and only while it lasts', async () => {
    const ready = createDeferred<undefined>()
    const asked = createDeferred<undefined>()
    const { client, emitter } = createFakeClient({
      engines: {
        device: engineOf('device', {
          prepare: () => {
            asked.resolve(undefined)
            return ready.promise
          },
        }),
      },
    })
    const progress = (model: string, loadedBytes: number) =>
      emitter.emit('download', { model, phase: 'download', loadedBytes, totalBytes: 10, cachedBytes: 0 })
    const onProgress = vi.fn()
    const preparing = client.prepare('model', { onProgress })
    await asked.promise
    progress('other', 1)
    progress('model', 2)
    ready.resolve(undefined)
    await preparing
    progress('model', 3)
    expect(onProgress.mock.calls).toMatchObject([
      [{ model: 'model', phase: 'manifest', loadedBytes: 0, totalBytes: 0 }],
      [{ model: 'model', phase: 'download', loadedBytes: 2 }],
    ])
  })
})

describe('what the client knows', () => {
  it('is explained as a plan, without running anything', async () => {
    const { client } = createFakeClient({ engines: { device: untouchable('device'), remote: untouchable('remote') } })
    const { model, placements, ruledOut } = await client.explain('model')
    expect(model).toBe('model')
    expect(placements.map(({ placement }) => placement)).toEqual([wasm, remote])
    expect(ruledOut).toMatchObject([{ placement: { backend: 'webgpu' }, code: 'BACKEND_UNAVAILABLE' }])
  })

  it('is probed once', async () => {
    const probe = vi.fn(() => Promise.resolve(cpuOnly))
    const { client } = createFakeClient({ probe })
    await Promise.all([client.run('model', x), client.run('model', x), client.explain('model')])
    expect(await client.capabilities()).toBe(cpuOnly)
    expect(probe).toHaveBeenCalledOnce()
  })

  it('is told to listeners until they leave', async () => {
    const { client } = createFakeClient()
    const answers: EdgewardEvents['answer'][] = []
    const stop = client.on('answer', (event) => answers.push(event))
    await client.run('model', x)
    stop()
    await client.run('model', x)
    expect(answers).toHaveLength(1)
  })
})

describe('dispose', () => {
  it('rejects what is pending with DISPOSED, whatever it waits for, and every later call', async () => {
    const never = () => new Promise<never>(() => undefined)
    const { engine, asked } = stuck('device')
    const { client } = createFakeClient({ engines: { device: engine, remote: engineOf('remote') } })
    const waiting = createFakeClient({ locate: never }).client
    const running = [client.run('model', x), client.prepare('model'), waiting.run('model', x), waiting.explain('model')]
    await asked
    await Promise.all([client.dispose(), waiting.dispose()])
    const later = [client.run('model', x), client.prepare('model'), client.explain('model')]
    for (const outcome of await Promise.allSettled([...running, ...later])) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'DISPOSED' } })
    }
  })

  it('frees engines and the rest once, also when it is called twice', async () => {
    const disposed: string[] = []
    const note = (name: string) => () => {
      disposed.push(name)
      return Promise.resolve()
    }
    const { client } = createFakeClient({
      engines: {
        device: engineOf('device', { dispose: note('device') }),
        remote: engineOf('remote', { dispose: note('remote') }),
      },
      release: note('rest'),
    })
    await Promise.all([client.dispose(), client.dispose()])
    await client.dispose()
    expect(disposed).toEqual(['device', 'remote', 'rest'])
  })

  it("leaves a request that the caller aborts first with the caller's reason", async () => {
    const { engine, asked } = stuck('device')
    const { client } = createFakeClient({ engines: { device: engine } })
    const caller = new AbortController()
    const running = client.run('model', x, { signal: caller.signal })
    await asked
    caller.abort('mine')
    await client.dispose()
    await expect(running).rejects.toBe('mine')
  })
})
