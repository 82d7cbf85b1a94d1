/** What the client adds to a request whose engine answers at once: runs in the benchmark's page. */
import type { PipelineOptions } from '../../../packages/sdk/src/api/options.js'
import { createFakeClient, engineOf, wasm, x } from '../../unit/api/fake-client.js'
import { everywhere } from '../../unit/router/inputs.js'

/** Microseconds a call, one sample a batch. */
export interface Samples {
  readonly ours: number[]
  readonly peer: number[]
}

/** A browser's clock has steps of 5 µs at best. */
const callsInBatch = 10

/** Batches of calls of the client and of its engine alone, alternating which goes first. */
export async function compareCalls({ calls, isFull }: { calls: number; isFull: boolean }): Promise<Samples> {
  const { client, device } = settledClient(isFull)
  const options: PipelineOptions<'tensors'> = isFull ? { policy: { deadlineMs: 60_000 } } : {}
  const source = { manifest: everywhere, manifestUrl: 'https://models.example/model/manifest.json' }
  const { signal } = new AbortController()
  const request = { ...source, model: 'model', task: 'tensors', input: x, options: {} } as const
  const sides = {
    ours: () => client.run('model', x, options),
    peer: () => device.run(wasm, request, signal),
  }
  const samples: Samples = { ours: [], peer: [] }
  const batches = calls / callsInBatch
  for (let round = -batches; round < batches; round += 1) {
    for (const side of round % 2 === 0 ? (['ours', 'peer'] as const) : (['peer', 'ours'] as const)) {
      const started = performance.now()
      for (let call = 0; call < callsInBatch; call += 1) await sides[side]()
      if (round >= 0) samples[side].push(((performance.now() - started) * 1_000) / callsInBatch)
    }
  }
  await client.dispose()
  return samples
}

/** Requests one after the other, of a client that goes on between the calls. */
export function startSeries() {
  const { client } = settledClient(true)
  return {
    async request(calls: number): Promise<void> {
      for (let call = 0; call < calls; call += 1) await client.run('model', x)
    },
  }
}

/** A client whose device is ready and measured, with an endpoint that could answer too. */
function settledClient(isListening: boolean) {
  const device = engineOf('device')
  const { client } = createFakeClient({ engines: { device, remote: engineOf('remote') } })
  if (isListening) client.on('request', () => undefined)
  return { client, device }
}
