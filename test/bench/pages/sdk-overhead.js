/** What the SDK costs on top of the runtime: runs in the benchmark's page. */
import { createClient } from '/sdk/index.js'
import { startBare } from './bare-runtime.js'

const threads = 2

export function tinyInputs() {
  return { x: { dtype: 'float32', shape: [1, 4], data: Float32Array.of(1, -2, 3, 0.5) } }
}

/** As many token ids as asked for, the same on every call. */
export function miniLmInputs(tokens) {
  const of = (value) => ({ dtype: 'int64', shape: [1, tokens], data: BigInt64Array.from({ length: tokens }, value) })
  return {
    input_ids: of((_, index) => BigInt(index === 0 ? 101 : 2000 + index * 7)),
    attention_mask: of(() => 1n),
    token_type_ids: of(() => 0n),
  }
}

/** Durations of `count` calls to each side in ms, alternating which goes first. */
export async function compareCalls({ model, file, inputs, count, warmUp }) {
  const edge = createClient({ models: '/models/', threads })
  const bare = await startBare(`/models/${model}/${file}`, threads)
  const sides = { ours: () => edge.run(model, inputs()), peer: () => bare.run(inputs()) }
  const samples = { ours: [], peer: [] }
  for (let round = -warmUp; round < count; round += 1) {
    for (const side of round % 2 === 0 ? ['ours', 'peer'] : ['peer', 'ours']) {
      const started = performance.now()
      await sides[side]()
      if (round >= 0) samples[side].push(performance.now() - started)
    }
  }
  bare.end()
  await edge.dispose()
  return samples
}

/** Time from nothing to the first output of each side, in ms. Cold: in no cache; warm: in the cache of either side. */
export async function compareLoads({ model, file, inputs, count, isCold }) {
  // Each side has an address of its own, lest one find the file in the HTTP cache through the other.
  const folder = () => (isCold ? `/fresh/${crypto.randomUUID()}/` : '/models/')
  const sides = {
    async ours() {
      const edge = createClient({ models: folder(), threads })
      await edge.run(model, inputs())
      return () => edge.dispose()
    },
    async peer() {
      const bare = await startBare(`${folder()}${model}/${file}`, threads)
      await bare.run(inputs())
      return () => bare.end()
    },
  }
  const samples = { ours: [], peer: [] }
  for (let round = -1; round < count; round += 1) {
    for (const side of round % 2 === 0 ? ['ours', 'peer'] : ['peer', 'ours']) {
      if (isCold) await deleteDatabases()
      const started = performance.now()
      const end = await sides[side]()
      if (round >= 0) samples[side].push(performance.now() - started)
      await end()
    }
  }
  return samples
}

async function deleteDatabases() {
  for (const { name } of await indexedDB.databases()) {
    await new Promise((resolve, reject) => {
      const request = indexedDB.deleteDatabase(name)
      request.onsuccess = resolve
      request.onerror = reject
    })
  }
}
