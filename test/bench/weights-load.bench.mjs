/** From nothing to the first answer: Edgeward, Transformers.js and bare onnxruntime-web, with models of 23 to 256 MB. */
import { loadCases, tinyCase } from './support/load-cases.mjs'
import { baseMemoryRows, loadRows, longestTaskRow, memoryRows, throttledRows } from './support/load-rows.mjs'
import { visitColdAndWarm, visitOverLink } from './support/load-visits.mjs'
import { peerFolder, peers } from './support/peers.mjs'
import { startServer } from './support/server.mjs'
import { ensureSyntheticModels } from './support/synthetic-models.mjs'
import { startThrottle } from './support/throttle.mjs'

/** @typedef {import('./support/report.mjs').Row} Row */
/** @typedef {import('./support/load-visits.mjs').Visits} Visits */

/** 50 Mbit/s. */
const throttledBytesPerSecond = 50e6 / 8

/**
 * @param {(line: string) => void} log
 * @param {import('./support/report.mjs').Subset} [subset]
 * @returns {Promise<Row[]>}
 */
export async function run(log, { rounds, only = '' } = {}) {
  const cases = loadCases.filter(({ model }) => new RegExp(only).test(model)).map((each) => shortened(each, rounds))
  await ensureSyntheticModels(log)
  const server = await startServer({
    transformers: await peerFolder(peers.transformers),
    transformersRuntime: await peerFolder(peers.transformersRuntime),
  })
  const link = await startThrottle(server.port, throttledBytesPerSecond)
  /** @type {Row[]} */
  const rows = []
  /** @type {Visits[]} */
  const all = []
  try {
    const { cold: tiny } = await visitColdAndWarm(shortened(tinyCase, rounds), server, log)
    for (const loadCase of cases) {
      const visits = await visitColdAndWarm(loadCase, server, log)
      rows.push(...loadRows(loadCase, visits))
      if (loadCase.request.kind === 'run') rows.push(...memoryRows(loadCase, visits.cold, tiny))
      all.push(visits.cold, visits.warm)
    }
    for (const loadCase of cases.filter(({ throttledRounds }) => throttledRounds > 0)) {
      const visits = await visitOverLink(loadCase, server, link, (line) => log(`50 Mbit/s, ${line}`))
      rows.push(...throttledRows(loadCase, visits, throttledBytesPerSecond))
    }
    return [...rows, ...baseMemoryRows(tinyCase, tiny), longestTaskRow(all)]
  } finally {
    link.close()
    server.close()
  }
}

/**
 * @param {import('./support/load-cases.mjs').LoadCase} loadCase
 * @param {number} [rounds]
 */
function shortened(loadCase, rounds = Infinity) {
  const { rounds: wanted, throttledRounds } = loadCase
  return { ...loadCase, rounds: Math.min(rounds, wanted), throttledRounds: Math.min(rounds, throttledRounds) }
}
