/** A service worker that has a client, and sends requests when it is told to. */
import { createClient } from '/sdk/index.js'
import { ask } from './requests.js'

self.addEventListener('install', () => self.skipWaiting())

self.addEventListener('message', (event) => event.waitUntil(answer(event)))

async function answer({ data: { options, asked }, ports: [port] }) {
  const edge = createClient(options)
  const outcomes = await ask(edge, asked)
  const { ruledOut } = await edge.explain('tiny-mlp')
  await edge.dispose()
  port.postMessage({ outcomes, ruledOut })
}
