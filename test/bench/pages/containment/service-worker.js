/** A service worker that has Transformers.js, and sends requests when it is told to. */
import { ask } from '/chaos/requests.js'
import { createClient } from '/containment/transformers.js'

self.addEventListener('install', () => self.skipWaiting())

self.addEventListener('message', (event) => event.waitUntil(answer(event)))

async function answer({ data: { options, asked }, ports: [port] }) {
  const outcomes = await ask(createClient(options), asked)
  port.postMessage({ outcomes })
}
