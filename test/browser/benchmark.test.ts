/** The benchmark in a real worker. */
import { expect, onTestFinished, test } from 'vitest'
import { neverAborted } from '../../packages/sdk/src/shared/index.js'
import { connect } from '../../packages/sdk/src/transport/index.js'

test('measures one thread of WASM, answers others meanwhile, and leaves out a GPU that is not there', async () => {
  const worker = new Worker(new URL('../../packages/sdk/src/worker/main.ts', import.meta.url), { type: 'module' })
  onTestFinished(() => worker.terminate())
  const connection = await connect(worker, neverAborted())
  const options = { signal: neverAborted() }
  const ended: string[] = []
  const [benchmark] = await Promise.all([
    connection.call('benchmark', { webgpu: true }, options).finally(() => ended.push('benchmark')),
    connection.call('foreground', { requests: 0 }, options).finally(() => ended.push('foreground')),
  ])
  // From a slow phone to a machine that does not exist yet.
  expect(benchmark.wasmFlops).toBeGreaterThan(1e7)
  expect(benchmark.wasmFlops).toBeLessThan(1e13)
  expect(benchmark.webgpuFlops).toBeUndefined()
  expect(ended).toEqual(['foreground', 'benchmark'])
})
