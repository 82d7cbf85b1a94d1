/** The soak: mixed requests over three models while a seeded schedule breaks one thing after the other. */
import { Play } from './support/play.js'
import { memoryOf, type Memory } from './support/memory.js'
import { setStage, until, type Stage } from './support/stage.js'

export interface SoakOptions {
  readonly seed: number
  readonly minutes: number
  readonly log: (line: string) => void
}

/** The most memory at the end, as a multiple of that after the warm-up. */
const mostGrowth = 1.1
/** The share of the time, and the most minutes, after which memory is measured first. */
const warmUp = { share: 0.25, minutes: 3 }
const minuteMs = 60_000

/** Runs the soak; resolves with what it found wrong. */
export async function soak({ seed, minutes, log }: SoakOptions): Promise<readonly string[]> {
  const stage = await setStage()
  const play = new Play(stage, seed, log)
  const warmUpMinutes = Math.min(minutes * warmUp.share, warmUp.minutes)
  await play.run(warmUpMinutes * minuteMs)
  const before = await memoryAtRest(stage, log)
  await play.run((minutes - warmUpMinutes) * minuteMs)
  const after = await memoryAtRest(stage, log)
  const problems = [...play.problems, ...growthOf(before, after), ...(await leftBehind(stage))]
  for (const line of play.tally.lines()) log(line)
  return problems
}

async function memoryAtRest(stage: Stage, log: SoakOptions['log']): Promise<Memory> {
  const startedAt = performance.now()
  const memory = await memoryOf(stage.main, stage.browser)
  log(`measured in ${Math.round(performance.now() - startedAt)} ms`)
  log(
    `at rest, with all models ready: the main tab takes ${mega(memory.tabBytes)}, all pages ${mega(memory.processBytes)}`,
  )
  return memory
}

function growthOf(before: Memory, after: Memory): readonly string[] {
  const [first, last] = [before.tabBytes, after.tabBytes]
  if (last <= mostGrowth * first) return []
  return [`the main tab’s memory grew from ${mega(first)} to ${mega(last)}, more than ${mostGrowth} times`]
}

/** What is there too much of: workers while the clients live, anything at all after they were disposed. */
async function leftBehind(stage: Stage): Promise<readonly string[]> {
  const problems: string[] = []
  for (const { name, visit } of [stage.main, stage.other]) {
    const isOne = await until(async () => (await visit.workers()).live === 1, 20_000)
    if (!isOne) problems.push(`the ${name} has ${(await visit.workers()).live} workers at rest instead of 1`)
  }
  problems.push(...stage.leaks.map((url) => `what must stay on the device was sent to ${url}`))
  const left = await stage.close()
  const isClean = left?.workers === 0 && left.locks.length === 0 && left.database === 'free'
  return isClean ? problems : [...problems, `left after dispose(): ${JSON.stringify(left)}`]
}

function mega(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
