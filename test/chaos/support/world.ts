/** A world to break: pages with a client each, the site that they came from, and the endpoint behind its front. */
import type { BrowserContext, CDPSession, Page } from 'playwright'
import type { Client, ClientOptions, EdgewardEvents, EventName } from 'edgeward'
import type { Front } from './front.js'
import type { Outcome } from './outcome.js'
import type { Faults, Site } from './site.js'

/** Options that can be sent to a page. */
export interface OpenOptions extends Omit<ClientOptions, 'remote'> {
  /** Without an endpoint. */
  readonly alone?: boolean
  /** How long the endpoint may take. */
  readonly endpointMs?: number
  /** With a worker that takes orders: see {@link Visit.strike}. */
  readonly faulty?: boolean
  /** Where the SDK's script is. */
  readonly sdk?: string
  /** A script that runs in the page before its client is made. */
  readonly before?: string
}

/** How many requests of each kind; those of all kinds are sent at once. */
export interface Asked {
  readonly texts?: number
  readonly tensors?: number
}

/** What a client has left behind. */
export interface Leftovers {
  readonly workers: number
  readonly locks: readonly string[]
  /** `free` when it could be deleted at once. */
  readonly database: string
  /** Whether its events told of every request and answer what became of it. */
  readonly isToldTruly: boolean
}

const everything: Asked = { texts: 1, tensors: 3 }

/** One visit to the site by one page. */
export class Visit {
  readonly page: Page
  readonly #world: World
  /** What was thrown into the page, and nobody caught. */
  readonly uncaught: string[] = []
  #isOpen = false

  constructor(page: Page, world: World) {
    this.page = page
    this.#world = world
    page.on('pageerror', (error) => this.uncaught.push(error.message))
  }

  /** Opens the page and makes its client. The policy has the device waited for, so that its failures are met. */
  async open({
    alone = false,
    endpointMs = 30_000,
    faulty = false,
    sdk = '/sdk/index.js',
    before,
    ...options
  }: OpenOptions = {}): Promise<this> {
    const { site, endpoint } = this.#world
    await this.page.goto(site.url)
    if (before !== undefined) await this.evaluate(`void (${before})`)
    const remote = alone ? [] : [{ protocol: 'oip', url: endpoint.url, timeoutMs: endpointMs }]
    const worker = faulty ? { workerUrl: '/faulty-sdk/worker.js' } : {}
    const policy = { prefer: 'cheapest' }
    const given = { hedgeShare: 0, remote, policy, ...worker, ...options }
    await this.evaluate(`world.open(${JSON.stringify(given)}, ${JSON.stringify(sdk)})`)
    this.#isOpen = true
    return this
  }

  /** Sends requests; resolves with what became of them when all have settled. */
  async ask(asked: Asked = everything, options = {}): Promise<readonly Outcome[]> {
    const sending = this.evaluate<Outcome[]>(`world.ask(${JSON.stringify(asked)}, ${JSON.stringify(options)})`)
    sending.catch(() => undefined) // A page that is ended takes its requests along.
    const outcomes = await sending
    this.#world.outcomes.push(...outcomes)
    return outcomes
  }

  /** What happens at once in the live worker, which was opened as `faulty`. */
  async strike(faults: Faults): Promise<void> {
    // JSON knows no Infinity.
    const entries = Object.entries(faults).map(([name, times]) => `${JSON.stringify(name)}: ${times}`)
    await this.evaluate(`world.strike({ ${entries.join(', ')} })`)
  }

  /** Puts the page's clock forward, until it is opened anew: what rests for a time has rested. */
  async later(ms: number): Promise<void> {
    await this.evaluate(`world.later(${ms})`)
  }

  /** What the client has told under a name. */
  async events<E extends EventName>(name: E): Promise<readonly EdgewardEvents[E][]> {
    type Told = { readonly name: string; readonly event: EdgewardEvents[E] }
    return (await this.evaluate<Told[]>('world.events')).filter((told) => told.name === name).map(({ event }) => event)
  }

  /** How often the client's parts were lost, recovered and replaced, such as `worker lost`. */
  async health(): Promise<readonly string[]> {
    return (await this.events('health')).map(({ part, state }) => `${part} ${state}`)
  }

  workers(): Promise<{ readonly live: number; readonly started: number }> {
    return this.evaluate('world.workers')
  }

  /** Asks the client for something else. */
  call<M extends 'explain' | 'doctor' | 'capabilities' | 'storage'>(
    method: M,
    ...given: unknown[]
  ): Promise<Awaited<ReturnType<Client[M]>>> {
    return this.evaluate(`world.edge.${method}(...${JSON.stringify(given)})`)
  }

  evaluate<T>(script: string): Promise<T> {
    return this.page.evaluate<T>(script)
  }

  session(): Promise<CDPSession> {
    return this.page.context().newCDPSession(this.page)
  }

  /** Whether there is a client to dispose. */
  get isOpen(): boolean {
    return this.#isOpen && !this.page.isClosed()
  }

  /** The page's process ends, as when the system kills it. */
  async crash(): Promise<void> {
    const session = await this.session()
    const crashed = this.page.waitForEvent('crash')
    session.send('Page.crash').catch(() => undefined) // The browser never answers this command.
    await crashed
    await this.page.close()
  }
}

export class World {
  readonly context: BrowserContext
  readonly site: Site
  readonly endpoint: Front
  /** What became of all requests of all visits. */
  readonly outcomes: Outcome[] = []
  readonly visits: Visit[] = []
  readonly #endings: (() => Promise<void>)[] = []

  constructor(context: BrowserContext, site: Site, endpoint: Front) {
    this.context = context
    this.site = site
    this.endpoint = endpoint
  }

  /** A page of its own, with a client. */
  async visit(options?: OpenOptions): Promise<Visit> {
    const visit = new Visit(await this.context.newPage(), this)
    this.visits.push(visit)
    return visit.open(options)
  }

  /** From now on, everything behaves. */
  heal(): void {
    this.site.reset()
    this.endpoint.reset()
  }

  /** Has something done at the very end. */
  atEnd(ending: () => Promise<void>): void {
    this.#endings.push(ending)
  }

  async end(): Promise<void> {
    for (const ending of this.#endings) await ending()
  }

  /** Disposes every client, then looks what they have left behind; the first that is not clean speaks for all. */
  async close(): Promise<Leftovers | undefined> {
    const open = this.visits.filter(({ isOpen }) => isOpen)
    for (const visit of open) await visit.evaluate('world.dispose()')
    const left = await Promise.all(open.map((visit) => visit.evaluate<Leftovers>('world.left()')))
    return (
      left.find(({ workers, locks, database }) => workers > 0 || locks.length > 0 || database !== 'free') ?? left[0]
    )
  }
}
