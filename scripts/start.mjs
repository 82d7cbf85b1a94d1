/** `npm start`: from a fresh clone to the demo page and the endpoint behind it; Ctrl-C stops both. */
import { ensureBuilt } from './lib/build.mjs'
import { Children } from './lib/children.mjs'
import { ensureDependencies } from './lib/dependencies.mjs'
import { ensureModels } from './lib/models.mjs'
import { messageOf, numberSteps, say, sayBelow } from './lib/say.mjs'
import { startEndpoint, startPage } from './lib/services.mjs'

const interruptedExitCode = 130
const children = new Children()
const nextStep = numberSteps(5)

const current = { phase: /** @type {'preparing' | 'serving' | 'stopping'} */ ('preparing') }

for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.on(signal, () => void stop())

try {
  await start()
} catch (error) {
  if (current.phase !== 'stopping') await fail(messageOf(error))
}

async function start() {
  nextStep('dependencies')
  await ensureDependencies(children, sayBelow)
  nextStep('build')
  await ensureBuilt(children, sayBelow)
  nextStep('models')
  await ensureModels(sayBelow, { includeTestModels: false })
  nextStep('endpoint')
  const endpoint = await startEndpoint(children, sayBelow)
  sayBelow(`answers at ${endpoint.url}`)
  nextStep('demo page')
  const page = await startPage(children, sayBelow, endpoint.url)
  sayBelow(`answers at ${page.url}`)
  say(`\n  Demo page  ${page.url}\n  Endpoint   ${endpoint.url}\n\n  Ctrl-C stops both.`)
  current.phase = 'serving'
  await Promise.race([endpoint, page].map(watch))
}

/** Reports a service that ends on its own. @param {import('./lib/services.mjs').Service} service */
async function watch({ name, child }) {
  const { code, output } = await child.ended
  throw new Error(
    `${name} has stopped on its own (exit code ${code})\n${output.trimEnd().split('\n').slice(-30).join('\n')}`,
  )
}

/** Ctrl-C may arrive twice, from the terminal and from npm. */
async function stop() {
  if (current.phase === 'stopping') return
  const exitCode = current.phase === 'serving' ? 0 : interruptedExitCode
  current.phase = 'stopping'
  say('\nStopping …')
  await children.stopAll()
  say('Stopped.')
  process.exit(exitCode)
}

/** @param {string} message */
async function fail(message) {
  current.phase = 'stopping'
  say(`\nFailed: ${message}`)
  await children.stopAll()
  process.exit(1)
}
