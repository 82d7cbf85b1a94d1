/** From nothing to the first answer, on each side: runs in the benchmark's page, which is opened afresh for each run. */
import { createClient } from '/sdk/index.js'
import { startBare } from './bare-runtime.js'

const text = 'The train to Berlin leaves at half past nine.'
/** The text's token ids, which the bare runtime is handed: it has no tokenizer to load. */
const tokenIds = [101n, 1996n, 3345n, 2000n, 4068n, 3727n, 2012n, 2431n, 2627n, 3157n, 1012n, 102n]

const sides = {
  async edgeward({ folder }) {
    const edge = createClient({ models: folder })
    const { output } = await edge.pipeline('feature-extraction', 'all-minilm-l6-v2')(text)
    return { vector: Array.from(output[0]), end: () => edge.dispose() }
  },
  async transformers({ folder }) {
    const worker = new Worker('/transformers-worker.js', { type: 'module' })
    const answer = new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data)
      worker.onerror = reject
    })
    worker.postMessage({ folder, text })
    return { vector: await answer, end: () => worker.terminate() }
  },
  async bare({ folder, file }) {
    const bare = await startBare(`${folder}all-minilm-l6-v2/${file}`, Math.min(4, navigator.hardwareConcurrency))
    const of = (data) => ({ dtype: 'int64', shape: [1, data.length], data: BigInt64Array.from(data) })
    const ones = tokenIds.map(() => 1n)
    const outputs = await bare.run({
      input_ids: of(tokenIds),
      attention_mask: of(ones),
      token_type_ids: of(tokenIds.map(() => 0n)),
    })
    return { vector: pool(Object.values(outputs)[0]), end: () => bare.end() }
  },
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

/** The mean over the tokens, normalised. */
function pool({ shape, data }) {
  const [, tokens, size] = shape
  const sums = Array.from({ length: size }, (_, i) => {
    let sum = 0
    for (let token = 0; token < tokens; token += 1) sum += data[token * size + i]
    return sum
  })
  const length = Math.hypot(...sums)
  return sums.map((sum) => sum / length)
}
