/** The end of a test run: what failed, a table of the steps, and the line that counts. */

/**
 * @typedef {object} StepResult
 * @property {string} name
 * @property {import('./reports.mjs').Counts} counts
 * @property {number} seconds
 * @property {string} output shown again near the end when the step failed
 */

const shownLines = 120

/**
 * @param {readonly StepResult[]} results
 * @returns {string[]} lines; the last one is `N passed, N failed, N skipped`
 */
export function summarise(results) {
  return [...results.flatMap(failureOf), '', ...tableOf(results), '', totalLine(results)]
}

/** @param {readonly StepResult[]} results */
function totalLine(results) {
  /** @param {keyof import('./reports.mjs').Counts} key */
  const sum = (key) => results.reduce((total, { counts }) => total + counts[key], 0)
  return `${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`
}

/** @param {StepResult} result */
function failureOf({ name, counts, output }) {
  if (counts.failed === 0) return []
  const lines = output.trimEnd().split('\n')
  const left = lines.length - shownLines
  return [
    '',
    `── failed: ${name} ──`,
    ...(left > 0 ? [`(${left} lines before these are above)`] : []),
    ...lines.slice(-shownLines),
  ]
}

/** @param {readonly StepResult[]} results */
function tableOf(results) {
  const rows = results.map(({ name, counts, seconds }) => [
    name,
    String(counts.passed),
    String(counts.failed),
    String(counts.skipped),
    seconds.toFixed(1),
  ])
  const table = [['step', 'passed', 'failed', 'skipped', 'seconds'], ...rows]
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? []
  return table.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  '),
  )
}
