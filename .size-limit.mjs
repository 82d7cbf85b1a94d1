/** The size budget of the SDK: brotli, as a browser would fetch it. */
import { filesOfEntry } from './scripts/lib/size-budget.mjs'

const dist = 'packages/sdk/dist'

export default [
  { name: 'page side', path: filesOfEntry(`${dist}/index.js`, { lazy: false }), limit: '54 kB' },
  {
    name: 'worker, without ONNX Runtime',
    path: filesOfEntry(`${dist}/worker.js`, { lazy: true }),
    limit: '61 kB',
  },
  {
    name: 'worker, for language models',
    path: filesOfEntry(`${dist}/generation-worker.js`, { lazy: true }),
    limit: '60 kB',
  },
  { name: 'script tag', path: filesOfEntry(`${dist}/edgeward.js`, { lazy: false }), limit: '52 kB' },
]
