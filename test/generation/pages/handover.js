/** The page of the hand-over trials: one client, and what its answers came to. */
import { createClient } from '/sdk/index.js'

const model = 'smollm2-135m-instruct'

/** How far the page's clock is ahead: what rests after a failure has rested by the next trial. */
let aheadMs = 0
const { now } = Date
Date.now = () => now() + aheadMs
const betweenTrialsMs = 48 * 60 * 60 * 1_000

let edge

async function read(stream) {
  const told = { text: '', placements: [], restarts: 0 }
  for await (const part of stream) {
    if (part.type === 'text-delta') told.text += part.text
    if (part.type === 'placement') told.placements.push(part)
    if (part.type === 'restart') told.restarts += 1
  }
  const { output, attempts } = await stream.result
  return { ...output, told, attempts }
}

globalThis.handover = {
  async open(endpoint) {
    edge = createClient({
      models: '/models/',
      backends: ['wasm'],
      threads: 2,
      workerUrl: '/pages/handover-worker.js',
      updates: 'manual',
      hedgeShare: 0,
      remote: { protocol: 'openai', url: `${endpoint}/v1`, stallMs: 2_500 },
    })
    await edge.prepare(model)
    return crossOriginIsolated
  },
  /** @param fault - absent: nothing fails */
  tellWorker(fault) {
    return new Promise((resolve, reject) => {
      const channel = new BroadcastChannel('handover')
      const timer = setTimeout(reject, 60_000, new Error('the worker did not hear of the fault'))
      channel.onmessage = () => {
        clearTimeout(timer)
        channel.close()
        resolve()
      }
      channel.postMessage({ fault })
    })
  },
  /** On the device, with the two likeliest tokens of each place. */
  uncut: (asked) =>
    read(
      edge.generate(model, {
        ...asked,
        temperature: 0,
        logprobs: true,
        topLogprobs: 2,
        policy: { residency: 'local-only', prefer: 'cheapest' },
      }),
    ),
  async cut(asked, prefer) {
    aheadMs += betweenTrialsMs
    localStorage.clear()
    return read(edge.generate(model, { ...asked, temperature: 0, policy: { prefer } }))
  },
  prepare: () => edge.prepare(model),
  dispose: () => edge.dispose(),
}
