/** From nothing to the first token, on each side, in browsers that nobody debugs: on the first visit, and on the second. */
import { openInBrowser } from './bare-browser.mjs'
import { withProfile } from './page.mjs'

/** @typedef {import('./generation-speeds.mjs').Side} Side */
/** @typedef {Record<Side, number[]>} Times milliseconds */

/** @type {readonly Side[]} */
const sides = ['edgeward', 'wllama', 'transformers']

/**
 * @param {import('./server.mjs').BenchServer} server
 * @param {import('./generation-speeds.mjs').Bench} bench
 * @returns {Promise<{ cold: Times, warm: Times }>}
 */
export async function compareLoads(server, { rounds, log }) {
  /** @type {{ cold: Times, warm: Times }} */
  const times = {
    cold: { edgeward: [], wllama: [], transformers: [] },
    warm: { edgeward: [], wllama: [], transformers: [] },
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
      await withProfile(async (profile) => {
        for (const visit of /** @type {const} */ (['cold', 'warm'])) {
          const page = `${server.url}/generation-load.html?${side}`
          const [{ error, ms }] = await openInBrowser(profile, page, server.nextResult, () => undefined)
          if (error !== undefined) throw new Error(`${side}: ${error}`)
          log(`load, ${visit}, ${side}: ${ms.toFixed(0)} ms`)
          times[visit][side].push(ms)
        }
      })
    }
  }
  return times
}
