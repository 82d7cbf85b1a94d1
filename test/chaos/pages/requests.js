/** The requests that are sent again and again: the number of each says what its answer must be. */

const sentences = [
  'A kitten naps on the couch.',
  'The committee postponed the vote until spring.',
  'Rust slowly ate through the ship’s hull.',
  'Add two cups of flour and a pinch of salt.',
  'Her violin teacher lives in Lisbon.',
  'The server returned an unexpected status.',
]

/** Nobody waits longer for a request, unless `patienceMs` of the page says so: then it counts as lost. */
const usualPatienceMs = 45_000

let sent = 0

/** Sends requests to a client, all at once; resolves with what became of each, as `Outcome` has it. */
export function ask(edge, { texts = 0, tensors = 0 }, options) {
  const kinds = [...Array(texts).fill('text'), ...Array(tensors).fill('tensor')]
  return Promise.all(kinds.map((kind) => outcomeOf(edge, kind, sent++ % sentences.length, options)))
}

async function outcomeOf(edge, kind, index, options) {
  const startedAt = performance.now()
  let timer
  const lost = new Promise((resolve) => {
    timer = setTimeout(resolve, globalThis.patienceMs ?? usualPatienceMs, { state: 'lost' })
  })
  const settled = send(edge, kind, index, options).then(
    ({ output, placement, attempts }) => ({ state: 'answered', output, placement, attempts }),
    ({ name, code, message, details, cause }) => {
      return { state: 'failed', name, code, message, attempts: details?.attempts ?? [], cause: String(cause) }
    },
  )
  const outcome = await Promise.race([settled, lost])
  clearTimeout(timer)
  return { kind, index, ...outcome, ms: performance.now() - startedAt }
}

/** Sends one request; its output becomes a list of numbers. */
async function send(edge, kind, index, options) {
  if (kind === 'text') {
    const result = await edge.pipeline('feature-extraction', 'all-minilm-l6-v2')(sentences[index], options)
    return { ...result, output: Array.from(result.output[0]) }
  }
  const x = { dtype: 'float32', shape: [2, 4], data: Float32Array.from({ length: 8 }, (_, at) => at - 3 * index) }
  const result = await edge.run('tiny-mlp', { x }, options)
  return { ...result, output: Array.from(result.output.y.data) }
}
