/** Deadlines, hedges and the record of each request, as the client joins them. */
import { describe, expect, it, vi } from 'vitest'
import type { Engine, MeasurementRecord, Trace } from '../../../packages/sdk/src/contract/index.js'
import { EdgewardError } from '../../../packages/sdk/src/errors/index.js'
import { createDeferred } from '../../../packages/sdk/src/shared/index.js'
import { Knowledge, type MeasurementKeeper } from '../../../packages/sdk/src/api/knowledge.js'
import { measureDevice, createFakeClient, engineOf, remote, untouchable, wasm, x, y } from './fake-client.js'

const hanging: Engine['run'] = () => new Promise<never>(() => undefined)
const failing: Partial<Engine> = { run: () => Promise.reject(new EdgewardError('RUN_FAILED', 'no')) }

function recorder(client: ReturnType<typeof createFakeClient>['client']) {
  const traces: Trace[] = []
  client.on('request', (trace) => traces.push(trace))
  return traces
}

describe('a deadline', () => {
  it('ends a request that nobody answers in time, once and for all attempts', async () => {
    const { client } = createFakeClient({
      engines: { device: engineOf('device', failing), remote: engineOf('remote', { run: hanging }) },
    })
    const traces = recorder(client)
    const running = client.run('model', x, { policy: { deadlineMs: 30 } })
    await expect(running).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED', details: { deadlineMs: 30 } })
    expect(traces).toMatchObject([{ outcome: 'DEADLINE_EXCEEDED' }])
    expect(traces[0]?.spans.filter(({ name }) => name === 'attempt')).toMatchObject([
      { outcome: 'RUN_FAILED', placement: wasm },
      { outcome: 'DEADLINE_EXCEEDED', placement: remote },
    ])
  })

  it('travels with the attempt', async () => {
    const run = vi.fn((..._sent: unknown[]) => Promise.resolve({ output: y, timings: {} } as never))
    const { client } = createFakeClient({ engines: { device: engineOf('device', { run }) } })
    const before = performance.now()
    await client.run('model', x, { policy: { deadlineMs: 60_000 } })
    const { deadlineAt } = run.mock.calls[0]?.[1] as { deadlineAt: number }
    expect(deadlineAt).toBeGreaterThanOrEqual(before + 60_000)
  })

  it('ends the look-up of a model, too', async () => {
    const { client } = createFakeClient({ locate: () => new Promise(() => undefined) })
    const running = client.run('model', x, { policy: { deadlineMs: 20 } })
    await expect(running).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' })
  })
})

describe('a request that is late', () => {
  it('is asked of the endpoint, too, when it takes longer than it ever did; who lost is measured all the same', async () => {
    const knowledge = new Knowledge(keeper().keeper, 1)
    const late = createDeferred<undefined>()
    const run: Engine['run'] = async () => {
      await late.promise
      return { output: y, timings: { inferenceMs: 1 } }
    }
    await measureDevice(knowledge)

    const device = engineOf('device', { run })
    const { client } = createFakeClient({
      knowledge,
      engines: { device, remote: engineOf('remote') },
      options: { hedgeShare: 1 },
    })
    const traces = recorder(client)
    expect((await client.run('model', x)).placement).toEqual(remote)
    expect(traces[0]?.notes).toMatchObject([{ what: 'hedge' }])
    expect(traces[0]?.spans.filter(({ name }) => name === 'attempt')).toMatchObject([
      { placement: wasm, outcome: 'cancelled' },
      { placement: remote, outcome: 'answered', isHedge: true },
    ])
    late.resolve(undefined)
  })

  it('is never asked elsewhere when it is local-only', async () => {
    const knowledge = new Knowledge(keeper().keeper, 1)
    await measureDevice(knowledge)
    const late = createDeferred<undefined>()
    const run: Engine['run'] = async () => {
      await late.promise
      return { output: y, timings: { inferenceMs: 1 } }
    }
    const engines = { device: engineOf('device', { run }), remote: untouchable('remote') }
    const { client } = createFakeClient({ knowledge, engines, options: { hedgeShare: 1 } })
    const running = client.run('model', x, { policy: { residency: 'local-only' } })
    setTimeout(() => late.resolve(undefined), 100)
    expect((await running).placement).toEqual(wasm)
  })
})

describe('what was measured', () => {
  it('is recalled before the first plan, and written down when the client goes', async () => {
    const { keeper: kept, written } = keeper()
    const { client } = createFakeClient({ knowledge: new Knowledge(kept, 1) })
    const embed = client.pipeline('feature-extraction', 'model')
    await embed('A cat sleeps.')
    const explained = await client.explain('model', 'A cat sleeps.')
    expect(explained.placements[0]).toMatchObject({ placement: wasm, estimate: { basis: 'measured', samples: 1 } })
    await client.dispose()
    expect(written).toHaveLength(1)
    const again = createFakeClient({ knowledge: new Knowledge(keeper(written).keeper, 1) })
    const { placements } = await again.client.explain('model', 'A cat sleeps.')
    expect(placements[0]).toMatchObject({ placement: wasm, estimate: { basis: 'measured', samples: 1 } })
  })

  it('does not hold up a request when the database hangs', async () => {
    const recall = () => new Promise<never>(() => undefined)
    const { client } = createFakeClient({ knowledge: new Knowledge({ ...keeper().keeper, recall }, 1) })
    expect((await client.run('model', x)).placement).toEqual(wasm)
  })
})

/** Keeps measurements as the worker does. */
function keeper(records: readonly MeasurementRecord[] = []) {
  const written: MeasurementRecord[] = []
  const kept: MeasurementKeeper = {
    recall: () => Promise.resolve({ records }),
    remember({ records: changed }) {
      written.push(...changed)
      return Promise.resolve()
    },
    benchmark: () => Promise.resolve({ wasmFlops: 1e9, at: 0 }),
  }
  return { keeper: kept, written }
}
