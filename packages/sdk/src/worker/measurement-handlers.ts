/** What the worker does with measurements: the methods that have to do with them. */
import type { WorkerHandlers } from '../transport/index.js'
import type { WeightsStore } from '../weights/index.js'
import { measureArithmetic } from './benchmark.js'
import { runtimeDigests } from './runtime-digests.js'

export function measurementHandlers(
  openStore: () => Promise<WeightsStore>,
): Pick<WorkerHandlers, 'recall' | 'remember' | 'benchmark'> {
  return {
    recall: async ({ browser }) => (await openStore()).measurements.recall(withRuntime(browser)),

    async remember({ browser, ...measured }) {
      await (await openStore()).measurements.remember(withRuntime(browser), measured)
      return undefined
    },

    benchmark: ({ webgpu }, { signal }) => measureArithmetic(webgpu, signal),
  }
}

/** Another ONNX Runtime is measured afresh, like another browser: what the last one computed wrongly, it may compute rightly. */
function withRuntime(browser: string): string {
  return `${browser} ${runtimeDigests.wasm}`
}
