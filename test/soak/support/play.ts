/** Plays the acts of a seed while its requests are sent, and judges every one of them. */
import { setTimeout as delay } from 'node:timers/promises'
import { actions } from './actions.js'
import { History } from './history.js'
import { actsOf, faults, whoAnswers, type Act, type PlannedFault } from './schedule.js'
import { until, type Stage } from './stage.js'
import type { Tab } from './tab.js'
import { describe, failing, Tally } from './tally.js'
import { requestsOf, type Asked, type Kind } from './traffic.js'
import { judge, type Outcome } from './verdict.js'

/** No more requests are under way at once. */
const mostUnderWay = 12
/** Nobody is lost for longer: the longest patience of a request, and some. */
const drainLimitMs = 180_000
/** A device that comes back does so within a minute: workers that died one after the other are not started for a while. */
const recoveryTries = 20
const retryMs = 3_000
const hourMs = 3_600_000

export class Play {
  readonly tally = new Tally()
  readonly #problems: string[] = []
  readonly #stage: Stage
  readonly #log: (line: string) => void
  readonly #history = new History()
  readonly #acts: ReturnType<typeof actsOf>
  readonly #requests: ReturnType<typeof requestsOf>
  /** When each request that is under way was sent. */
  readonly #underWay = new Map<Asked, number>()
  readonly #startedAt = performance.now()
  #lastStrikeAt = -Infinity

  constructor(stage: Stage, seed: number, log: (line: string) => void) {
    this.#stage = stage
    this.#log = log
    this.#acts = actsOf(seed)
    this.#requests = requestsOf(seed)
    for (const { name, visit } of [stage.main, stage.other]) {
      visit.page.on('pageerror', ({ message }) => this.#onThrown(name, message))
      visit.page.on('console', (said) => {
        if (said.type() === 'error') this.#say(`  the ${name}’s console: ${said.text()}`)
      })
    }
  }

  get problems(): readonly string[] {
    return this.#problems
  }

  /** Plays on for so long, then waits until everything is at rest, with all models ready. */
  async run(ms: number): Promise<void> {
    const endsAt = performance.now() + ms
    const stop = new AbortController()
    const traffic = this.#sendAll(stop.signal)
    while (performance.now() < endsAt) await this.#play(this.#acts.next().value)
    stop.abort()
    await traffic
    const isDrained = await until(() => this.#underWay.size === 0, drainLimitMs)
    if (!isDrained) this.#fail(`${this.#underWay.size} requests never settled`)
    this.#say('nothing is under way any more')
    await this.#makeReady()
    this.#say('the device has all models ready')
  }

  async #sendAll(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const { asked, pauseMs } = this.#requests.next().value
      await delay(pauseMs)
      await until(() => this.#underWay.size < mostUnderWay || signal.aborted, drainLimitMs)
      const { main, other } = this.#stage
      const isOthers = asked.kind === 'tensor' && asked.number % 4 === 0 && other.isOpen
      void this.#ask(isOthers ? other : main, asked)
    }
  }

  /** @param isTry - an error is no failure yet: it will be tried again */
  async #ask(tab: Tab, asked: Asked, isTry = false): Promise<Outcome> {
    const sentAt = performance.now()
    this.#underWay.set(asked, sentAt)
    const outcome = await tab.send(asked)
    this.#underWay.delete(asked)
    const around = this.#history.since(sentAt)
    const verdict = judge(asked, outcome, around, this.#stage.references)
    if (isTry && outcome.state === 'failed') return outcome
    this.tally.add(outcome, verdict, around)
    if (failing.has(verdict)) {
      this.#fail(`${verdict} in the ${tab.name}, sent at ${this.#time(sentAt)}: ${describe(asked, outcome)}`)
      this.#say(`  it met: ${around.faults.join(', ') || 'no fault'}`)
    }
    return outcome
  }

  async #play(act: Act): Promise<void> {
    const isStruck = act.faults.some(({ name }) => faults[name] === 'strike' || faults[name] === 'memory')
    if (isStruck) await until(() => this.#isOver(this.#lastStrikeAt), drainLimitMs)
    if (act.kind !== 'online') await this.#makeReady()
    if (act.kind === 'memory') await this.#haveEndpoint()
    const who = whoAnswers[act.kind]
    this.#say(`act ${act.number}: ${act.kind}; ${who === undefined ? 'nobody can answer' : `${who} can answer`}`)
    const end = who === undefined ? this.#history.begin('blackout') : undefined
    const begunAt = performance.now()
    await Promise.all(act.faults.map((fault) => this.#happen(fault, begunAt)))
    await delay(begunAt + act.lengthMs - performance.now())
    end?.()
    if (isStruck) this.#lastStrikeAt = performance.now()
    await this.#tellHealth()
  }

  /** Says what the clients said of themselves, and has the pages forget it. */
  async #tellHealth(): Promise<void> {
    for (const { name, visit } of [this.#stage.main, this.#stage.other]) {
      for (const { part, state, reason } of await visit.events('health')) {
        this.#say(`  the ${name} says: ${part} ${state}: ${reason}`)
      }
      await visit.evaluate('void (world.events.length = 0)')
    }
  }

  async #happen({ name, fromMs, toMs }: PlannedFault, begunAt: number): Promise<void> {
    await delay(begunAt + fromMs - performance.now())
    this.#say(`  begins: ${name}`)
    const forget = this.#history.begin(name)
    const end = await actions[name](this.#stage)
    await delay(begunAt + toMs - performance.now())
    await end()
    forget()
    this.#say(`  ends:   ${name}`)
  }

  /** Whether nothing is under way any more that was sent before. */
  #isOver(ms: number): boolean {
    return [...this.#underWay.values()].every((sentAt) => sentAt > ms)
  }

  /** Waits until the device answers for every model in every tab. */
  async #makeReady(): Promise<void> {
    const { main, other } = this.#stage
    for (const tab of [main, other]) {
      for (const kind of tab.kinds) {
        const isReady = await this.#comesTo(tab, kind, { residency: 'local-only' }, 'device')
        if (!isReady) this.#fail(`the device did not come back for ${kind}s in the ${tab.name}`)
      }
    }
  }

  async #haveEndpoint(): Promise<void> {
    const isThere = await this.#comesTo(this.#stage.main, 'tensor', { prefer: 'remote' }, 'remote')
    if (!isThere) this.#fail('the endpoint was not asked any more, although it answers')
  }

  async #comesTo(tab: Tab, kind: Kind, policy: Asked['policy'], engine: 'device' | 'remote'): Promise<boolean> {
    for (let tries = 0; tries < recoveryTries; tries += 1) {
      const outcome = await this.#ask(tab, { number: 0, kind, index: 0, lane: 'default', policy }, true)
      if (outcome.state === 'answered' && outcome.placement.engine === engine) return true
      this.#say(`  not yet: ${kind} in the ${tab.name}: ${JSON.stringify(outcome).slice(0, 400)}`)
      // What rests for a time has rested.
      this.#stage.aheadMs += hourMs
      for (const one of [this.#stage.main, this.#stage.other]) await one.visit.later(hourMs)
      await delay(retryMs)
    }
    return false
  }

  #onThrown(name: string, message: string): void {
    const { faults: met } = this.#history.since(performance.now())
    // In the worker, Emscripten leaves the event of a thread whose script did not come to nobody.
    const isEmscriptens = message === 'Event' && met.some((fault) => faults[fault] === 'site')
    if (!isEmscriptens) this.#fail(`thrown at nobody in the ${name} or its worker: ${message}`)
  }

  #fail(problem: string): void {
    this.#problems.push(problem)
    this.#say(`FAILED: ${problem}`)
  }

  #say(line: string): void {
    this.#log(`${this.#time(performance.now())}  ${line}`)
  }

  #time(ms: number): string {
    return `${((ms - this.#startedAt) / 1000).toFixed(1).padStart(7)} s`
  }
}
