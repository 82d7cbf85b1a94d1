/** A tab of the soak: a page with a client, to which requests are sent one by one. */
import { setTimeout as delay } from 'node:timers/promises'
import type { CDPSession } from 'playwright'
import type { OpenOptions, Visit, World } from '../../chaos/support/world.js'
import type { Asked, Kind } from './traffic.js'
import type { Outcome } from './verdict.js'

/** Nobody waits longer for a request: then it counts as lost. */
const patienceMs = 150_000

export class Tab {
  readonly name: string
  /** What it is asked. */
  readonly kinds: readonly Kind[]
  readonly visit: Visit
  /** Of the DevTools protocol. */
  readonly session: CDPSession
  readonly #options: OpenOptions
  /** How often it was opened; 0 while it is not. */
  #visitNumber = 0
  #isOpen = false

  private constructor(name: string, kinds: readonly Kind[], options: OpenOptions, visit: Visit, session: CDPSession) {
    this.name = name
    this.kinds = kinds
    this.visit = visit
    this.session = session
    this.#options = options
  }

  static async open(world: World, name: string, kinds: readonly Kind[], options: OpenOptions): Promise<Tab> {
    const visit = await world.visit(options)
    const tab = new Tab(name, kinds, options, visit, await visit.session())
    await tab.#loaded()
    return tab
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** As when the user reloads: what was under way goes with the page. */
  async reload(aheadMs: number): Promise<void> {
    this.#leave()
    await this.visit.open({ ...this.#options, before: `world.later(${aheadMs})` })
    await this.#loaded()
  }

  /** As when the user closes it. */
  async close(): Promise<void> {
    this.#leave()
    await this.visit.page.close()
  }

  /** Sends a request; always resolves. */
  async send(asked: Asked): Promise<Outcome> {
    const visitNumber = this.#visitNumber
    const waiting = new AbortController()
    const silence = delay(patienceMs, { state: 'silent' } as const, { signal: waiting.signal })
    silence.catch(() => undefined) // It is broken off when the outcome is there.
    const answer = this.visit.evaluate<Outcome>(`soak.send(${JSON.stringify(asked)})`).catch((error: unknown) => {
      if (this.#isOpen && visitNumber === this.#visitNumber) throw error
      return { state: 'gone' } as const
    })
    return Promise.race([answer, silence]).finally(() => waiting.abort())
  }

  async #loaded(): Promise<void> {
    await this.visit.evaluate("import('/soak/requests.js').then(() => undefined)")
    this.#visitNumber += 1
    this.#isOpen = true
  }

  #leave(): void {
    this.#isOpen = false
    this.#visitNumber += 1
  }
}
