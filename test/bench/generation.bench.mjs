/** Text generation in one page: SmolLM2-135M on the CPU, two threads, against wllama and Transformers.js with the same weights. */
import os from 'node:os'
import { compareLoads } from './support/generation-loads.mjs'
import { readPrompts, withTransformersModel } from './support/generation-model.mjs'
import { loadRows, loadTable, ownRows, peerRows } from './support/generation-rows.mjs'
import { compareSpeeds, measureLookup, measureStream, measureTurns } from './support/generation-speeds.mjs'
import { withPage } from './support/page.mjs'
import { peerFolder, peers } from './support/peers.mjs'
import { machine } from './support/report.mjs'
import { startServer } from './support/server.mjs'

const mostRounds = 3

/**
 * @param {(line: string) => void} log
 * @param {import('./support/report.mjs').Subset} [subset] `only` is a part of this benchmark: `peers-128`, `peers-1000`, `own`, `load`
 * @returns {Promise<import('./support/report.mjs').Report>}
 */
export async function run(log, { rounds = mostRounds, only = '' } = {}) {
  const isWanted = (/** @type {string} */ part) => new RegExp(only).test(part)
  const contexts = [128, 1000].filter((context) => isWanted(`peers-${context}`))
  return withTransformersModel(async (graph) => {
    const folders = {
      graph,
      transformers: await peerFolder(peers.transformers),
      transformersRuntime: await peerFolder(peers.transformersRuntime),
      wllama: await peerFolder(peers.wllama),
    }
    const before = os.loadavg()
    const bench = { prompts: await readPrompts(), rounds, log }
    const rows = await withPage(
      async (page) => [
        ...peerRows(await compareSpeeds(page, contexts, bench)),
        ...(isWanted('own') ? await own(page, bench) : []),
      ],
      folders,
    )
    if (isWanted('load')) {
      const server = await startServer(folders)
      try {
        rows.push(...loadRows(await compareLoads(server, bench)))
      } finally {
        server.close()
      }
    }
    const load = { before, after: os.loadavg() }
    return { data: { machine: machine(), load, rows }, table: loadTable(rows, load) }
  })
}

/** @param {import('playwright').Page} page @param {import('./support/generation-speeds.mjs').Bench} bench */
async function own(page, bench) {
  const stream = await measureStream(page, bench)
  const turns = await measureTurns(page, bench)
  return ownRows({ stream, turns, lookup: await measureLookup(page, bench) })
}
