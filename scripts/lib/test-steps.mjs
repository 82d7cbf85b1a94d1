/** The steps of `npm test`, in order. */
import { mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { ensureBuilt } from './build.mjs'
import { ensureChromium } from './chromium.mjs'
import { ensureDependencies } from './dependencies.mjs'
import { lockfileProblems } from './lockfile.mjs'
import { ensureOtherBrowsers } from './other-browsers.mjs'
import { ensureModels } from './models.mjs'
import { countPlaywright, countVitest, forgetReport, judgeRun, none, readReport } from './reports.mjs'
import { cacheFolder, fromRoot, toolPath } from './root.mjs'

/**
 * @typedef {import('./reports.mjs').Counts} Counts
 * @typedef {import('./children.mjs').Children} Children
 *
 * @typedef {object} StepContext
 * @property {Children} children
 * @property {(line: string) => void} log
 * @property {readonly string[]} args handed on to the step's tool
 *
 * @typedef {object} Step
 * @property {string} name
 * @property {boolean} [isLong] it runs when it is named: `npm run test:long` does, and CI
 * @property {readonly string[]} needs steps that must have passed; they prepare what is missing, and are quick when nothing is
 * @property {(context: StepContext) => Promise<{ readonly counts: Counts, readonly output: string }>} run
 */

const stepLimitMinutes = 20
const passed = { counts: { ...none, passed: 1 }, output: '' }

/** Prepares something; only its failure counts. @type {(work: (context: StepContext) => Promise<void>) => Step['run']} */
const preparation = (work) => async (context) => {
  await work(context)
  return { counts: none, output: '' }
}

/** A command that counts as one test. @type {(file: string, args: readonly string[]) => Step['run']} */
const command =
  (file, fixedArgs) =>
  async ({ children, log, args }) => {
    const options = { onLine: log, limitMinutes: stepLimitMinutes }
    const { code, output } = await children.run(file, [...fixedArgs, ...args], options)
    return code === 0 ? passed : { counts: { ...none, failed: 1 }, output }
  }

/** A check by a tool. @type {(tool: string, args: readonly string[]) => Step['run']} */
const check = (tool, fixedArgs) => command(toolPath(tool), fixedArgs)

/** Always the same faults, so that a change is not blamed for another one's. */
const shortSoak = [fromRoot('scripts', 'soak.mjs'), '--seed', '1', '--minutes', '2']

/** A project of `vitest.config.ts`. @type {(project: string) => Step['run']} */
const vitest = (project) => (context) => {
  const report = reportFile(project)
  const command = ['run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  return runTests(context, 'vitest', command, report, countVitest)
}

/** The tests of a configuration of Playwright. @type {(name: string, configuration: string) => Step['run']} */
const playwright = (name, configuration) => (context) => {
  const report = reportFile(name)
  const env = { PLAYWRIGHT_JSON_OUTPUT_FILE: report }
  return runTests(context, 'playwright', ['test', '-c', configuration], report, countPlaywright, env)
}

/** @type {readonly Step[]} */
export const steps = [
  { name: 'dependencies', needs: [], run: preparation(({ children, log }) => ensureDependencies(children, log)) },
  { name: 'format', needs: ['dependencies'], run: check('prettier', ['--check', '.']) },
  { name: 'lint', needs: ['dependencies'], run: check('eslint', ['.']) },
  { name: 'types', needs: ['dependencies'], run: check('tsc', ['-b']) },
  { name: 'unused', needs: ['dependencies'], run: check('knip', []) },
  { name: 'lockfile', needs: [], run: checkLockfile },
  { name: 'build', needs: ['dependencies'], run: buildStep },
  { name: 'size', needs: ['build'], run: check('size-limit', []) },
  { name: 'models', needs: ['build'], run: modelsStep },
  { name: 'chromium', needs: ['dependencies'], run: preparation(({ children, log }) => ensureChromium(children, log)) },
  {
    name: 'other-browsers',
    isLong: true,
    needs: [],
    run: preparation(({ children, log }) => ensureOtherBrowsers(children, log)),
  },
  { name: 'unit', needs: ['build'], run: vitest('unit') },
  { name: 'interop', isLong: true, needs: ['models'], run: vitest('interop') },
  { name: 'generation', isLong: true, needs: ['models'], run: vitest('generation') },
  { name: 'browser', needs: ['models', 'chromium'], run: vitest('browser') },
  { name: 'browser-webgpu', needs: ['models', 'chromium'], run: vitest('browser-webgpu') },
  { name: 'engines', isLong: true, needs: ['models', 'other-browsers'], run: vitest('engines') },
  { name: 'e2e', needs: ['models', 'chromium'], run: playwright('e2e', 'playwright.config.ts') },
  { name: 'package', needs: ['build'], run: vitest('package') },
  {
    name: 'chaos',
    isLong: true,
    needs: ['models', 'chromium'],
    run: playwright('chaos', 'playwright.chaos.config.ts'),
  },
  { name: 'endpoint-chaos', isLong: true, needs: ['models'], run: vitest('endpoint-chaos') },
  { name: 'soak', isLong: true, needs: ['models', 'chromium'], run: command(process.execPath, shortSoak) },
]

/**
 * The named steps with what they need, in the order in which they run; all but the long ones when none is named.
 *
 * @param {readonly string[]} names
 * @returns {readonly Step[]}
 */
export function selectSteps(names) {
  if (names.length === 0) return steps.filter(({ isLong }) => !isLong)
  /** @type {Set<string>} */
  const selected = new Set()
  /** @param {string} name */
  const select = (name) => {
    const step = steps.find((candidate) => candidate.name === name)
    if (step === undefined) {
      throw new Error(`there is no step "${name}"; the steps are ${steps.map((one) => one.name).join(', ')}`)
    }
    selected.add(name)
    step.needs.forEach(select)
  }
  names.forEach(select)
  return steps.filter((step) => selected.has(step.name))
}

/** @param {string} name */
function reportFile(name) {
  mkdirSync(cacheFolder, { recursive: true })
  return path.join(cacheFolder, `${name}.report.json`)
}

/**
 * @template Report
 * @param {StepContext} context
 * @param {string} tool
 * @param {readonly string[]} command
 * @param {string} report
 * @param {(report: Report) => Counts} count
 * @param {Record<string, string>} [env]
 */
async function runTests({ children, log, args }, tool, command, report, count, env = {}) {
  forgetReport(report)
  const options = { env, onLine: log, limitMinutes: stepLimitMinutes }
  const { code, output } = await children.run(toolPath(tool), [...command, ...args], options)
  const { counts, problem } = judgeRun(readReport(report, count), code)
  return { counts, output: problem === undefined ? output : `${output}\n${problem}` }
}

/** @param {StepContext} context */
async function buildStep({ children, log }) {
  await ensureBuilt(children, log)
  return passed
}

/** @param {StepContext} context */
async function modelsStep({ log }) {
  await ensureModels(log, { includeTestModels: true })
  return passed
}

async function checkLockfile() {
  const problems = lockfileProblems(JSON.parse(readFileSync(fromRoot('package-lock.json'), 'utf8')))
  return problems.length === 0 ? passed : { counts: { ...none, failed: 1 }, output: problems.join('\n') }
}
