/** Starts the two servers of the demo, the reference endpoint and the page, and waits until they answer. */
import { setTimeout as delay } from 'node:timers/promises'
import { findFreePort } from './ports.mjs'
import { fromRoot, toolPath } from './root.mjs'

/**
 * @typedef {object} Service
 * @property {string} name
 * @property {string} url
 * @property {import('./children.mjs').Child} child
 */

const patienceMs = 60_000
const pollMs = 100

/**
 * @typedef {object} Served
 * @property {string} [models] the folder of models that is served
 */

/**
 * @param {import('./children.mjs').Children} children
 * @param {(line: string) => void} log
 * @param {Served} [served]
 * @returns {Promise<Service>}
 */
export async function startEndpoint(children, log, { models = fromRoot('.models') } = {}) {
  const port = await choosePort(8787, log)
  const args = [fromRoot('packages/server/dist/cli.js'), '--models', models, '--port', String(port)]
  return startService('the endpoint', `http://localhost:${port}`, '/v2/health/ready', () =>
    children.start(process.execPath, args),
  )
}

/**
 * @param {import('./children.mjs').Children} children
 * @param {(line: string) => void} log
 * @param {string} endpointUrl the page reads it from its own server's `/config.json`
 * @param {Served} [served]
 * @returns {Promise<Service>}
 */
export async function startPage(children, log, endpointUrl, { models = fromRoot('.models') } = {}) {
  const port = await choosePort(5173, log)
  return startService('the demo page', `http://localhost:${port}`, '/', () =>
    children.start(toolPath('vite'), ['preview', '--port', String(port), '--strictPort'], {
      cwd: fromRoot('packages', 'demo'),
      env: { EDGEWARD_ENDPOINT: endpointUrl, EDGEWARD_MODELS: models },
    }),
  )
}

/**
 * @param {number} wanted
 * @param {(line: string) => void} log
 */
async function choosePort(wanted, log) {
  const port = await findFreePort(wanted)
  if (port !== wanted) log(`port ${wanted} is taken, using ${port} instead`)
  return port
}

/**
 * @param {string} name
 * @param {string} url
 * @param {string} path what answers 200 when the service is ready
 * @param {() => import('./children.mjs').Child} start
 * @returns {Promise<Service>}
 */
async function startService(name, url, path, start) {
  const child = start()
  const waiting = new AbortController()
  const early = child.ended.then(({ code, output }) => {
    throw new Error(`${name} ended before it answered (exit code ${code})\n${output}`)
  })
  try {
    await Promise.race([early, untilAnswers(name, url + path, waiting.signal)])
  } finally {
    waiting.abort()
    early.catch(() => undefined) // From now on whoever holds the service watches its end.
  }
  return { name, url, child }
}

/**
 * @param {string} name
 * @param {string} url
 * @param {AbortSignal} signal
 */
async function untilAnswers(name, url, signal) {
  const deadline = performance.now() + patienceMs
  let last = 'no answer'
  while (!signal.aborted) {
    if (performance.now() > deadline)
      throw new Error(`${name} did not answer at ${url} in ${patienceMs / 1000} s: ${last}`)
    try {
      const response = await fetch(url, { signal })
      await response.body?.cancel()
      if (response.ok) return
      last = `status ${response.status}`
    } catch (error) {
      last = error instanceof Error ? error.message : String(error)
    }
    await delay(pollMs)
  }
}
