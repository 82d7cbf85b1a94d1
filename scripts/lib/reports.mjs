/** Reads how many tests a runner ran from the JSON report that it wrote. */
import { existsSync, readFileSync, rmSync } from 'node:fs'

/**
 * @typedef {object} Counts
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 *
 * @typedef {{ status: string, assertionResults: readonly { status: string }[] }} VitestFile
 * @typedef {{ testResults: readonly VitestFile[] }} VitestReport
 * @typedef {{ stats: { expected: number, unexpected: number, flaky: number, skipped: number } }} PlaywrightReport
 */

/** @type {Counts} */
export const none = { passed: 0, failed: 0, skipped: 0 }

/**
 * A file that failed without a failed test, for example because it could not be imported, counts as one failure.
 *
 * @param {VitestReport} report
 * @returns {Counts}
 */
export function countVitest({ testResults }) {
  const counts = { ...none }
  for (const { status, assertionResults } of testResults) {
    const failedTests = assertionResults.filter((test) => test.status === 'failed').length
    counts.passed += assertionResults.filter((test) => test.status === 'passed').length
    counts.failed += failedTests === 0 && status === 'failed' ? 1 : failedTests
    counts.skipped += assertionResults.filter((test) => !['passed', 'failed'].includes(test.status)).length
  }
  return counts
}

/**
 * @param {PlaywrightReport} report
 * @returns {Counts}
 */
export function countPlaywright({ stats }) {
  return { passed: stats.expected + stats.flaky, failed: stats.unexpected, skipped: stats.skipped }
}

/**
 * What a runner's report and exit code say together. A runner that failed without a failed test, and one that ran no
 * test at all, count as one failure.
 *
 * @param {Counts | undefined} counts undefined when the runner wrote no report
 * @param {number} exitCode
 * @returns {{ readonly counts: Counts, readonly problem?: string }}
 */
export function judgeRun(counts, exitCode) {
  const problem = problemOf(counts, exitCode)
  if (problem === undefined) return { counts: counts ?? none }
  return { counts: { ...(counts ?? none), failed: (counts ?? none).failed + 1 }, problem }
}

/**
 * @template Report
 * @param {string} file
 * @param {(report: Report) => Counts} count
 * @returns {Counts | undefined}
 */
export function readReport(file, count) {
  return existsSync(file) ? count(JSON.parse(readFileSync(file, 'utf8'))) : undefined
}

/** An old report must not be taken for this run's. @param {string} file */
export function forgetReport(file) {
  rmSync(file, { force: true })
}

/**
 * @param {Counts | undefined} counts
 * @param {number} exitCode
 */
function problemOf(counts, exitCode) {
  if (counts === undefined) return `the runner wrote no report (exit code ${exitCode})`
  if (counts.failed > 0) return undefined
  if (exitCode !== 0) return `the runner failed, although none of its tests did (exit code ${exitCode})`
  return counts.passed === 0 ? 'the runner ran no test' : undefined
}
