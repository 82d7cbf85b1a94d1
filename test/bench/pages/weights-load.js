/** From nothing to the first answer, on each side: runs in the benchmark's page, which is opened afresh for each run. */
import { createClient } from '/sdk/index.js'
import { startBare } from './bare-runtime.js'
import { requests } from './requests.js'

const sides = {
  edgeward: askEdgeward,
  unverified: (given) => askEdgeward(given, { workerUrl: '/unverified-worker.js' }),

  async transformers({ folder, model, request, isSplit }) {
    const worker = new Worker('/transformers-worker.js', { type: 'module' })
    const answer = new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data)
      worker.onerror = reject
    })
    worker.postMessage({ folder, model, isSplit, kind: request.kind, input: requests[request.kind].input(request) })
    return { vector: await answer, end: () => worker.terminate() }
  },

  async bare({ folder, model, request, file, isSplit }) {
    const url = `${folder}${model}/${file}`
    const externalData = isSplit ? [{ path: `${file}_data`, url: `${url}_data` }] : []
    const bare = await startBare(url, Math.min(4, navigator.hardwareConcurrency), externalData)
    const { feeds, read } = requests[request.kind].bare(request)
    return { vector: read(await bare.run(feeds)), end: () => bare.end() }
  },
}

async function askEdgeward({ folder, model, request }, options = {}) {
  const edge = createClient({ models: folder, ...options })
  return { vector: await requests[request.kind].edgeward(edge, model, request), end: () => edge.dispose() }
}

/** How long one side took, in ms, with its answer and the longest task on the page's main thread meanwhile. */
export async function measure({ side, ...given }) {
  let longestTaskMs = 0
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longestTaskMs = Math.max(longestTaskMs, duration)
  })
  observer.observe({ type: 'longtask' })
  const started = performance.now()
  const { vector, end } = await sides[side](given)
  const ms = performance.now() - started
  await end()
  observer.disconnect()
  return { ms, longestTaskMs, vector }
}
