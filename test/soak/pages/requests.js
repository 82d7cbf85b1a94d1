/** Sends one request of the soak to the page's client, and says what became of it. */

const sentences = [
  'The lighthouse keeper counts the ships.',
  'Snow fell on the market all morning.',
  'He repairs clocks in a small shop.',
  'The train to Porto leaves at nine.',
]

/** Only in tensors that must stay on the device: nobody may see these bytes on the network. */
const secret = 12_345.678

/** Fetched before anything fails. */
const picture = await (await fetch('/images/upside-down-line.png')).blob()

const senders = {
  async text(index, options) {
    const result = await world.edge.pipeline('feature-extraction', 'all-minilm-l6-v2')(sentences[index], options)
    return { ...result, output: Array.from(result.output[0]) }
  },
  async tensor(index, options) {
    const isSecret = options.policy?.residency === 'local-only'
    const data = Float32Array.from({ length: 8 }, (_, at) => at - 3 * index)
    // The second row of two: the first one is what is compared.
    if (isSecret) data[7] = secret
    const result = await world.edge.run('tiny-mlp', { x: { dtype: 'float32', shape: [2, 4], data } }, options)
    const { data: y } = result.output.y
    return { ...result, output: Array.from(y.subarray(0, y.length / 2)) }
  },
  async picture(_, options) {
    const result = await world.edge.pipeline('image-to-text', 'pp-ocrv4')(picture, options)
    return { ...result, output: Array.from(result.output.text, (character) => character.codePointAt(0)) }
  },
}

async function send({ kind, index, lane, policy, abortAfterMs }) {
  const controller = new AbortController()
  const timer = abortAfterMs === undefined ? 0 : setTimeout(() => controller.abort(), abortAfterMs)
  const startedAt = performance.now()
  const settled = await senders[kind](index, { lane, policy, signal: controller.signal }).then(
    ({ output, placement, attempts }) => ({ state: 'answered', output, placement, attempts }),
    ({ name, code, message, details }) => ({
      state: 'failed',
      name,
      code,
      message,
      attempts: (details?.attempts ?? []).map(({ placement, code, message }) => ({ placement, code, message })),
    }),
  )
  clearTimeout(timer)
  return { ...settled, ms: performance.now() - startedAt, isAborted: controller.signal.aborted }
}

/** Spoils one stored chunk: same length, other bytes. Resolves with whether there was one. */
async function corruptChunk() {
  if (!(await indexedDB.databases()).some(({ name }) => name === 'edgeward-weights')) return false
  const database = await wait(indexedDB.open('edgeward-weights'))
  try {
    const transaction = database.transaction('chunks', 'readwrite')
    const store = transaction.objectStore('chunks')
    const [key] = await wait(store.getAllKeys())
    const chunk = key === undefined ? undefined : await wait(store.get(key))
    if (chunk === undefined) return false
    await wait(store.put(new Blob([new Uint8Array(chunk.size ?? chunk.byteLength)], { type: chunk.type }), key))
    return true
  } finally {
    database.close()
  }
}

function wait(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

/** Bytes of the page, its workers and their memories, after a collection of garbage. */
async function memoryBytes() {
  return (await performance.measureUserAgentSpecificMemory()).bytes
}

// Without it, nobody could tell what was thrown in the page from what was thrown in its worker.
addEventListener('unhandledrejection', ({ reason }) => console.error('in the page:', reason?.stack ?? String(reason)))

globalThis.soak = { send, corruptChunk, memoryBytes }
