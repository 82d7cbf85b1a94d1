/** One library in a world of its own: what it is asked before, during and after a failure, and what becomes of that. */
import { messageOf } from '../../../../scripts/lib/say.mjs'
import { problemsOf, type Outcome, type References } from '../../../chaos/support/outcome.js'
import type { Site } from '../../../chaos/support/site.js'
import type { Asked, OpenOptions, Visit, World } from '../../../chaos/support/world.js'

export const sides = ['transformers', 'alone', 'endpoint'] as const
export type Side = (typeof sides)[number]

/**
 * `during`: while the failure is there. `after`: it is over, in the same page, or in the next one where the failure was the
 * page's. `later`: the page's clock is a minute ahead. `reloaded`: the page was loaded anew. The last two only if need be.
 */
export type Phase = 'before' | 'during' | 'after' | 'later' | 'reloaded'

/** No request is waited for longer. */
export const patienceMs = 90_000
const aMinute = 60_000

/** What all subjects share. */
export interface Stage {
  readonly startSite: () => Promise<Site>
  readonly references: References
}

/** With the origin that the library comes from, if it is another. */
export interface OpenSubject extends OpenOptions {
  readonly from?: string
}

export class Subject {
  readonly side: Side
  readonly world: World
  /** Another server of the same. */
  readonly startSite: () => Promise<Site>
  readonly phases = new Map<Phase, readonly Outcome[]>()
  readonly #options: OpenOptions
  readonly #references: References
  #visit: Visit | undefined

  constructor(side: Side, world: World, options: OpenOptions, stage: Stage) {
    const { startSite, references } = stage
    this.side = side
    this.world = world
    this.startSite = startSite
    this.#options = { ...options, ...(side !== 'endpoint' && { alone: true }) }
    this.#references = references
  }

  get site(): Site {
    return this.world.site
  }

  /** Of the newest page. */
  get visit(): Visit {
    if (this.#visit === undefined) throw new Error('the page was not opened')
    return this.#visit
  }

  /** Loads the page, anew if it is there; its script is the library's, at its defaults but for what the options say. */
  async open(options: OpenSubject = {}): Promise<void> {
    if (this.#visit === undefined || this.#visit.page.isClosed()) await this.openAnother(options)
    else await this.#visit.open(this.#withOptions(options))
  }

  /** Another page, which is the newest from now on. */
  async openAnother(options: OpenSubject = {}): Promise<Visit> {
    return (this.#visit = await this.world.visit(this.#withOptions(options)))
  }

  /** Sends requests, all at once, and notes what became of them. */
  async ask(phase: Phase, asked: Asked, visit = this.visit): Promise<void> {
    this.note(phase, await visit.ask(asked))
  }

  note(phase: Phase, outcomes: readonly Outcome[]): void {
    this.phases.set(phase, [...(this.phases.get(phase) ?? []), ...outcomes])
  }

  /** Loads the page anew and asks; a library that does not even load has answered nothing. */
  async openAndAsk(phase: Phase, asked: Asked, options: OpenSubject = {}): Promise<void> {
    const problem = await this.open(options).then(() => undefined, messageOf)
    if (problem === undefined) await this.ask(phase, asked)
    else this.note(phase, [notLoaded(problem)])
  }

  /** Whether all that was asked in a phase was answered rightly. */
  isWell(phase: Phase): boolean {
    const { lost, wrong, failed } = problemsOf(this.phases.get(phase) ?? [], this.#references)
    return [...lost, ...wrong, ...failed].length === 0
  }

  /** Asks when the failure is over, until all is well or nothing is left to try. */
  async recover(asked: Asked, isPages: boolean): Promise<void> {
    await (isPages ? this.openAndAsk('after', asked) : this.ask('after', asked))
    // Transformers.js has nothing that rests for a time.
    if (!this.isWell('after') && this.side !== 'transformers') {
      await this.visit.later(aMinute)
      await this.ask('later', asked)
    }
    const last = this.phases.has('later') ? 'later' : 'after'
    if (!this.isWell(last)) await this.openAndAsk('reloaded', asked)
  }

  /** As when the user deletes the site's data: the next visit is a first one. */
  async clearStorage(visit = this.visit): Promise<void> {
    const session = await visit.session()
    await session.send('Storage.clearDataForOrigin', { origin: this.site.url, storageTypes: 'all' })
  }

  async becomeFirstVisit(): Promise<void> {
    const { page } = this.visit
    // A page that still has its store open would keep it.
    await page.goto('about:blank')
    await this.clearStorage()
  }

  #withOptions(more: OpenSubject): OpenOptions {
    const { from = '', faulty = false, before = 'undefined', ...options } = { ...this.#options, ...more }
    const script = faulty ? 'faulty-transformers' : 'transformers'
    const isPeer = this.side === 'transformers'
    return {
      ...options,
      before: `globalThis.patienceMs = ${patienceMs}, ${before}`,
      sdk: isPeer ? `${from}/containment/${script}.js` : `${from}/sdk/index.js`,
      faulty: faulty && !isPeer,
    }
  }
}

function notLoaded(message: string): Outcome {
  const name = 'the library did not load'
  return { kind: 'text', index: 0, ms: 0, state: 'failed', name, message, attempts: [], cause: '' }
}
