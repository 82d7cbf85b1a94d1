/** Plays every line of the comparison with every library, each in a world of its own. */
import { readFile } from 'node:fs/promises'
import os from 'node:os'
import { chromium, type Browser } from 'playwright'
import { Children } from '../../../../scripts/lib/children.mjs'
import { chromiumArgs, findChromium, softwareWebGpuArgs } from '../../../../scripts/lib/chromium.mjs'
import { fromRoot } from '../../../../scripts/lib/root.mjs'
import { startEndpoint } from '../../../../scripts/lib/services.mjs'
import { startEndpointFront } from '../../../chaos/support/endpoint.js'
import type { Front } from '../../../chaos/support/front.js'
import { referencesFrom } from '../../../chaos/support/references.js'
import { World } from '../../../chaos/support/world.js'
import { peers } from '../peers.mjs'
import { gpuLines } from './gpu-lines.js'
import { optionsFor, play, type Line } from './line.js'
import { pageLines } from './page-lines.js'
import { runtimeLines } from './runtime-lines.js'
import { siteMaker } from './site.js'
import { storageLines } from './storage-lines.js'
import { patienceMs, sides, Subject, type Side, type Stage } from './subject.js'
import type { Comparison, PlayedLine } from './table.js'
import { resultOf } from './verdict.js'

export { toMarkdown } from './table.js'

/** So that pages are told the quota that they really have, instead of 10 GiB. */
const honestQuota = '--disable-features=StaticStorageQuota'
/** So many worlds at a time; and so many beside them in which somebody may wait. More would have each other time out. */
const lanes = [2, 3] as const
/** Longer than any line takes with one library. */
const mostOfALineMs = 6 * patienceMs

const doesNotApply: Comparison['doesNotApply'] = {
  '5': 'the limit is a stub, so that nothing is really bound by it',
  '9': 'the threshold is an option of Edgeward’s; nothing that grows in 500 runs could be injected',
  '22, 24': 'IndexedDB only; Transformers.js keeps files in the Cache API (21, 23 and 26 cover it)',
  '31 to 35': 'Transformers.js has no endpoint',
}

interface FullStage extends Stage {
  readonly endpoint: Front
  readonly browsers: { readonly plain: Browser; readonly gpu: Browser }
}

/** @param only - the lines whose failure matches */
export async function compare(log: (line: string) => void, only: RegExp): Promise<Comparison> {
  const children = new Children()
  const stage = await setStage(children)
  const lines = [...gpuLines, ...runtimeLines, ...pageLines, ...storageLines]
    .filter(({ failure }) => only.test(failure))
    .sort((a, b) => a.row - b.row)
  try {
    const results = new Map<Line, [Side, PlayedLine['results'][Side]][]>(lines.map((line) => [line, []]))
    const jobsOf = (isSlow: boolean) =>
      lines
        .filter((line) => (line.isSlow ?? false) === isSlow)
        .flatMap((line) => sides.map((side) => [line, side] as const))
    const work = async (jobs: (readonly [Line, Side])[]) => {
      for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
        const [line, side] = job
        results.get(line)?.push([side, await tryWith(line, side, stage, log)])
      }
    }
    const queues = [jobsOf(false), jobsOf(true)]
    await Promise.all(queues.flatMap((jobs, isSlow) => Array.from({ length: lanes[isSlow] ?? 1 }, () => work(jobs))))
    return {
      date: new Date().toISOString().slice(0, 10),
      machine: `${os.cpus().length} × ${os.cpus()[0]?.model.trim() ?? 'unknown CPU'}`,
      boundMs: patienceMs,
      versions: await versions(stage.browsers.plain),
      lines: lines.map((line) => playedLine(line, results.get(line) ?? [])),
      doesNotApply,
    }
  } finally {
    await Promise.all([stage.browsers.plain.close(), stage.browsers.gpu.close(), stage.endpoint.close()])
    await children.stopAll()
  }
}

function playedLine({ row, failure, injected }: Line, results: readonly [Side, unknown][]): PlayedLine {
  return { row, failure, injected, results: Object.fromEntries(results) as PlayedLine['results'] }
}

async function tryWith(line: Line, side: Side, stage: FullStage, log: (line: string) => void) {
  const result = await playWith(line, side, stage).catch((error: unknown) => {
    return { notRun: error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error) }
  })
  const told = 'notRun' in result ? `not run: ${result.notRun}` : `${result.verdict}, recovers: ${result.recovery}`
  log(`${line.row}. ${line.failure}: ${side} ${told}`)
  return result
}

async function playWith(line: Line, side: Side, stage: FullStage) {
  const { browsers, endpoint, references, startSite } = stage
  const context = await (line.isOnGpu === true ? browsers.gpu : browsers.plain).newContext()
  const site = await startSite()
  const subject = new Subject(side, new World(context, site, endpoint), optionsFor(line), stage)
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the injection itself did not end')), mostOfALineMs)
  })
  try {
    await Promise.race([play(line, subject), late])
    return resultOf(subject.phases, references)
  } finally {
    clearTimeout(timer)
    await context.close()
    await site.close()
  }
}

async function setStage(children: Children): Promise<FullStage> {
  const executablePath = findChromium()
  const launch = (args: readonly string[]) =>
    chromium.launch({ args: [...chromiumArgs, ...args], ...(executablePath !== undefined && { executablePath }) })
  const [{ url }, startSite] = await Promise.all([startEndpoint(children, () => undefined), siteMaker()])
  const endpoint = await startEndpointFront(url)
  const browsers = { plain: await launch(['--disable-gpu', honestQuota]), gpu: await launch(softwareWebGpuArgs) }
  const site = await startSite()
  const context = await browsers.plain.newContext()
  const references = await referencesFrom(new World(context, site, endpoint))
  await Promise.all([context.close(), site.close()])
  return { startSite, references, endpoint, browsers }
}

async function versions(browser: Browser): Promise<Comparison['versions']> {
  const versionOf = async (...parts: readonly string[]) =>
    (JSON.parse(await readFile(fromRoot(...parts, 'package.json'), 'utf8')) as { version: string }).version
  return {
    edgeward: await versionOf('packages', 'sdk'),
    edgewardRuntime: await versionOf('node_modules', 'onnxruntime-web'),
    transformers: peers.transformers.version,
    transformersRuntime: peers.transformersRuntime.version,
    chromium: browser.version(),
  }
}
