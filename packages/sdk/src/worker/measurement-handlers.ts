/** What the worker does with measurements: the methods that have to do with them. */
import type { WorkerHandlers } from '../transport/index.js'
import type { WeightsStore } from '../weights/index.js'
import { measureArithmetic } from './benchmark.js'

export function measurementHandlers(
  openStore: () => Promise<WeightsStore>,
): Pick<WorkerHandlers, 'recall' | 'remember' | 'benchmark'> {
  return {
    recall: async ({ browser }) => (await openStore()).measurements.recall(browser),

    async remember({ browser, ...measured }) {
      await (await openStore()).measurements.remember(browser, measured)
      return undefined
    },

    benchmark: ({ webgpu }, { signal }) => measureArithmetic(webgpu, signal),
  }
}
