/** The failures of docs/failures.md, injected into Transformers.js with its defaults and into Edgeward: who survives. */
import { runnerImport } from 'vite'
import { fromRoot } from '../../scripts/lib/root.mjs'

/**
 * What `support/containment/compare.ts` exports; the tests' project knows its types.
 *
 * @typedef {object} Containment
 * @property {(log: (line: string) => void, only: RegExp) => Promise<object>} compare
 * @property {(comparison: object) => string} toMarkdown
 */

/**
 * @param {(line: string) => void} log
 * @param {import('./support/report.mjs').Subset} subset
 * @returns {Promise<import('./support/report.mjs').Report>}
 */
export async function run(log, { only = '' } = {}) {
  const script = fromRoot('test', 'bench', 'support', 'containment', 'compare.ts')
  const { module } = await runnerImport(script, { configFile: false })
  const { compare, toMarkdown } = /** @type {Containment} */ (module)
  const data = await compare(log, new RegExp(only))
  return { data, table: toMarkdown(data) }
}
