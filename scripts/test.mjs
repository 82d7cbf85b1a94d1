/**
 * `npm test`: installs what is missing, runs every check and test, and ends with `N passed, N failed, N skipped`.
 *
 * `node scripts/test.mjs [STEP[,STEP]] [ARGS…]` runs some of the steps with what they need; ARGS go to their tool.
 */
import { Children } from './lib/children.mjs'
import { none } from './lib/reports.mjs'
import { messageOf, numberSteps, say, sayBelow, secondsSince } from './lib/say.mjs'
import { summarise } from './lib/summary.mjs'
import { selectSteps } from './lib/test-steps.mjs'

/**
 * @typedef {import('./lib/summary.mjs').StepResult} StepResult
 * @typedef {import('./lib/test-steps.mjs').Step} Step
 */

const interruptedExitCode = 130
const [selection = '', ...toolArgs] = process.argv.slice(2)
const wanted = selection.split(',').filter((name) => name !== '')
const children = new Children()

for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.on(signal, () => void interrupt())

const results = await runAll(selectSteps(wanted))
for (const line of summarise(results)) say(line)
process.exitCode = results.some(({ counts }) => counts.failed > 0) ? 1 : 0

/** @param {readonly Step[]} steps */
async function runAll(steps) {
  const nextStep = numberSteps(steps.length)
  /** @type {StepResult[]} */
  const done = []
  for (const step of steps) {
    nextStep(step.name)
    const failedNeeds = step.needs.filter((need) => done.some(({ name, counts }) => name === need && counts.failed > 0))
    done.push(failedNeeds.length === 0 ? await runOne(step) : notRun(step, failedNeeds))
  }
  return done
}

/**
 * @param {Step} step
 * @returns {Promise<StepResult>}
 */
async function runOne(step) {
  const startedAt = performance.now()
  const args = wanted.includes(step.name) ? toolArgs : []
  try {
    const { counts, output } = await step.run({ children, log: sayBelow, args })
    return { name: step.name, counts, output, seconds: secondsSince(startedAt) }
  } catch (error) {
    const output = messageOf(error)
    sayBelow(output)
    return { name: step.name, counts: { ...none, failed: 1 }, output, seconds: secondsSince(startedAt) }
  }
}

/**
 * @param {Step} step
 * @param {readonly string[]} failedNeeds
 * @returns {StepResult}
 */
function notRun({ name }, failedNeeds) {
  const output = `not run: it needs ${failedNeeds.join(' and ')}, which failed`
  sayBelow(output)
  return { name, counts: { ...none, failed: 1 }, output, seconds: 0 }
}

async function interrupt() {
  say('\nInterrupted.')
  await children.stopAll()
  process.exit(interruptedExitCode)
}
