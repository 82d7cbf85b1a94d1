/** What the router and all that the client does around it add to a settled request: engines that answer at once. */
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { withPage } from './support/page.mjs'
import { median, quartiles } from './support/statistics.mjs'

/** @typedef {import('./support/report.mjs').Row} Row */
/** @typedef {import('./support/report.mjs').Subset} Subset */
/** @typedef {{ ours: number[], peer: number[] }} Samples microseconds a call, one sample a batch */

const peerName = 'the engine alone'
const mostAddedUs = 50
const calls = 2_000
const manyRequests = 20_000
/** What garbage collection leaves differs by a few kB; a record of 10 bytes a request would be 200. */
const mostGrowthKb = 100

/**
 * @param {(line: string) => void} log
 * @param {Subset} subset
 * @returns {Promise<Row[]>}
 */
export async function run(log, { rounds = calls }) {
  const code = await bundlePage()
  return withPage(async (page) => {
    const script = await page.evaluateHandle(
      (text) => import(URL.createObjectURL(new Blob([text], { type: 'text/javascript' }))),
      code,
    )
    /** @type {Row[]} */
    const rows = []
    for (const isFull of [false, true]) {
      const what = isFull
        ? "a settled request with a deadline, while somebody listens to 'request'"
        : 'a settled request'
      log(what)
      /** @type {Samples} */
      const samples = await script.evaluate((bench, given) => bench.compareCalls(given), { calls: rounds, isFull })
      rows.push(addedRow(what, samples))
    }
    log(`${manyRequests} requests`)
    rows.push(await memoryRow(page, script, rounds === calls ? manyRequests : rounds))
    return rows
  })
}

/** The page's script, with the client's sources and fake engines inside. */
async function bundlePage() {
  const input = fileURLToPath(new URL('router/compare-router.ts', import.meta.url))
  const bundle = await rolldown({ input, platform: 'browser', logLevel: 'silent' })
  try {
    const { output } = await bundle.generate({ format: 'esm', minify: true, codeSplitting: false })
    return output[0].code
  } finally {
    await bundle.close()
  }
}

/** @param {string} what @param {Samples} samples @returns {Row} */
function addedRow(what, samples) {
  const [ours, peer] = [median(samples.ours), median(samples.peer)]
  const spread = { oursQuartiles: quartiles(samples.ours), peerQuartiles: quartiles(samples.peer) }
  const target = `at most ${mostAddedUs} µs added`
  return {
    what,
    ours,
    peer,
    ...spread,
    peerName,
    unit: 'µs',
    ratio: ours / peer,
    target,
    met: ours - peer <= mostAddedUs,
  }
}

/**
 * What the page's heap holds after many requests, against what it held before them.
 *
 * @param {import('playwright').Page} page
 * @param {import('playwright').JSHandle} script
 * @param {number} requests
 * @returns {Promise<Row>}
 */
async function memoryRow(page, script, requests) {
  const devTools = await page.context().newCDPSession(page)
  const heapKb = async () => {
    await devTools.send('HeapProfiler.collectGarbage')
    return (await devTools.send('Runtime.getHeapUsage')).usedSize / 1_000
  }
  const series = await script.evaluateHandle((bench) => bench.startSeries())
  const ask = (/** @type {number} */ count) => series.evaluate((started, many) => started.request(many), count)
  // What is compiled, and the records of a model's newest runs, are there after these.
  await ask(requests * 2)
  const before = await heapKb()
  await ask(requests)
  const after = await heapKb()
  const what = `the page's heap after ${requests} requests more`
  const target = `at most ${mostGrowthKb} kB more`
  const met = after - before <= mostGrowthKb
  return { what, ours: after, peer: before, peerName: 'before', unit: 'kB', ratio: after / before, target, met }
}
