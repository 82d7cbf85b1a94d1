/**
 * Answers that are cut at a random token and go on elsewhere, from the device to the endpoint and back: a real browser, the real
 * endpoint, SmolLM2 in the same float variant at both.
 */
import { chromium, type Browser, type Page } from 'playwright'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { chromiumArgs, findChromium } from '../../scripts/lib/chromium.mjs'
import { Random } from '../sim/random.js'
import { startBreakingFront, type BreakingFront } from './support/breaking-front.js'
import { startEndpointProcess } from './support/endpoint-process.js'
import { startSite, type Server } from './support/site.js'
import { judge, trialsOf, type Asked, type Trial, type Written } from './support/trials.js'

const count = Number(process.env['EDGEWARD_TRIALS'] ?? 16)
const seed = Number(process.env['EDGEWARD_SEED'] ?? 7)

/** Every trial is told, not only those that say something. */
const isVerbose = process.env['EDGEWARD_VERBOSE'] !== undefined

/** Of 200 trials, so many may differ from a token on where the two likeliest are as good as equal. */
const mostNearTies = Math.max(1, Math.ceil(count / 50))

let servers: Server[] = []
let front: BreakingFront
let browser: Browser
let page: Page
const uncut = new Map<string, Written>()

beforeAll(async () => {
  const executablePath = findChromium()
  const [site, endpoint] = await Promise.all([startSite('q8'), startEndpointProcess()])
  front = await startBreakingFront(endpoint.url)
  servers = [site, front, endpoint]
  browser = await chromium.launch({
    args: [...chromiumArgs, '--disable-gpu'],
    ...(executablePath !== undefined && { executablePath }),
  })
  page = await browser.newPage()
  page.on('pageerror', (error) => console.log(`the page: ${error.message}`))
  await page.goto(site.url)
  await page.addScriptTag({ type: 'module', url: '/pages/handover.js' })
  await page.waitForFunction('globalThis.handover !== undefined')
  expect(await page.evaluate(`handover.open(${JSON.stringify(front.url)})`)).toBe(true)
}, 180_000)

afterAll(async () => {
  await page.evaluate('handover.dispose()')
  await browser.close()
  for (const server of servers) await server.close()
})

/** What the page's own function came to. */
function onPage<T>(name: string, ...given: unknown[]): Promise<T> {
  return page.evaluate<T>(`handover.${name}(${given.map((one) => JSON.stringify(one)).join(', ')})`)
}

async function uncutOf(asked: Asked): Promise<Written> {
  const key = JSON.stringify(asked)
  const written = uncut.get(key) ?? (await onPage<Written>('uncut', asked))
  uncut.set(key, written)
  return written
}

/** Undefined: the answer was over before the cut. */
async function write({ asked, after, from, how }: Trial): Promise<Written | undefined> {
  if (from === 'device') {
    // A worker that has done its runs was replaced.
    await onPage('prepare')
    await onPage('tellWorker', { how, left: after })
    const written = await onPage<Written>('cut', asked, 'cheapest')
    if (how === 'worker-ended') await onPage('prepare')
    await onPage('tellWorker')
    return written.attempts.length > 0 ? written : undefined
  }
  front.breakAfter(after, how)
  const written = await onPage<Written>('cut', asked, 'remote')
  return front.heal() ? written : undefined
}

it(
  `goes on elsewhere as if it had not been cut, ${count} times (EDGEWARD_SEED=${seed})`,
  async () => {
    const failures: string[] = []
    const seen = { identical: 0, 'near-tie': 0, different: 0, 'not cut': 0 }
    for (const [index, trial] of trialsOf(count, new Random(seed)).entries()) {
      const { verdict, about } = await run(trial)
      seen[verdict.is] += 1
      if (verdict.is === 'different') failures.push(`${index} ${about}: ${verdict.why}`)
      if (verdict.is !== 'identical' || isVerbose) console.log(`${index} ${about}: ${JSON.stringify(verdict)}`)
    }
    console.log(`${count} answers cut, with the seed ${seed}: ${JSON.stringify(seen)}`)
    expect(failures).toEqual([])
    expect(seen['near-tie']).toBeLessThanOrEqual(mostNearTies)
    // Where a stop text ends an answer, its end may be held back until there is nothing to cut.
    expect(seen['not cut']).toBeLessThanOrEqual(count / 8)
  },
  60_000 * count,
)

async function run(trial: Trial) {
  const startedAt = performance.now()
  const whole = await uncutOf(trial.asked)
  // Behind its end there is nothing to cut.
  const after = 1 + (trial.after % Math.max(1, whole.usage.completionTokens - 2))
  const written = await write({ ...trial, after })
  const verdict = written === undefined ? ({ is: 'not cut' } as const) : judge(written, whole, trial)
  const seconds = Math.round((performance.now() - startedAt) / 1_000)
  const about = `${trial.from}, ${trial.how} after ${after}: ${JSON.stringify(trial.asked)} (${seconds} s)`
  return { verdict, about }
}
