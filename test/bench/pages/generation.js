/** Text generation on each side, with the same weights and threads: runs in the benchmark's page, which keeps all of them open. */
import { createClient } from '/sdk/index.js'
import { LoggerWithoutDebug, Wllama } from '/peer/wllama/esm/index.js'

const threads = 2
export const gguf = '/models/smollm2-135m-instruct/model.gguf'

const opens = {
  async edgeward() {
    const edge = createClient({ models: '/models/', threads })
    return {
      generate: (request) => readAnswer(edge, request),
      end: () => edge.dispose(),
    }
  },

  async wllama() {
    const wllama = new Wllama(
      { default: '/peer/wllama/esm/wasm/wllama.wasm' },
      { logger: LoggerWithoutDebug, suppressNativeLog: true },
    )
    await wllama.loadModelFromUrl(new URL(gguf, location.href).href, {
      n_threads: threads,
      n_ctx: 2048,
      n_gpu_layers: 0,
    })
    return {
      async generate({ text, maxTokens }) {
        const given = { prompt: text, max_tokens: maxTokens, temperature: 0, cache_prompt: false }
        const { choices, timings } = await wllama.createCompletion({ ...given, timings_per_token: true })
        const { prompt_n: promptTokens, predicted_n: tokens } = timings
        return {
          promptTokens,
          tokens,
          text: choices[0].text,
          prefill: timings.prompt_per_second,
          decode: timings.predicted_per_second,
        }
      },
      end: () => wllama.exit(),
    }
  },

  async transformers() {
    const worker = new Worker('/generation-transformers-worker.js', { type: 'module' })
    const ask = (request) =>
      new Promise((resolve, reject) => {
        worker.onmessage = ({ data }) => (data.error === undefined ? resolve(data) : reject(new Error(data.error)))
        worker.onerror = ({ message }) => reject(new Error(message))
        worker.postMessage(request)
      })
    await ask({ kind: 'load', threads })
    return { generate: (request) => ask({ kind: 'generate', ...request }), end: () => worker.terminate() }
  },
}

const opened = new Map()

/** Loads each side's model and writes two tokens, so that nothing is done for the first time later. */
export async function openSides(names) {
  for (const name of names) {
    opened.set(name, await opens[name]())
    await generate(name, { ids: [504, 3575], text: 'The quick', maxTokens: 2 })
  }
}

/** Writes one answer. */
export function generate(name, request) {
  return opened.get(name).generate(request)
}

/** From nothing to the first token, in ms. */
export async function measureLoad(name) {
  const started = performance.now()
  const side = await opens[name]()
  await side.generate({ ids: [504, 3575], text: 'The quick', maxTokens: 1 })
  const ms = performance.now() - started
  await side.end()
  return { ms, longestTaskMs: 0, vector: [] }
}

/** What the reader of the parts sees. */
async function readAnswer(edge, { ids, messages, maxTokens, promptLookup = 'off' }) {
  const input = messages ? { messages } : { prompt: ids }
  const started = performance.now()
  const deltas = []
  const answer = edge.generate(gguf, { ...input, maxTokens, temperature: 0, promptLookup })
  for await (const { type } of answer) if (type === 'text-delta') deltas.push(performance.now())
  const { output } = await answer.result
  const { usage, timings, text } = output
  const firstMs = (deltas[0] ?? NaN) - started
  const { promptTokens, cachedTokens, completionTokens: tokens } = usage
  return {
    promptTokens,
    cachedTokens,
    tokens,
    text,
    firstMs,
    prefill: ((promptTokens - cachedTokens) / firstMs) * 1000,
    decode: ((tokens - 1) / (deltas.at(-1) - deltas[0])) * 1000,
    bareDecode: timings.tokensPerSecond,
    accepted: timings.acceptedTokens ?? 0,
  }
}
