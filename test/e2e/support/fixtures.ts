/** What the end-to-end tests stand on: the real endpoint and the built demo, started once for all of them. */
import { expect as baseExpect, test as base, type Locator, type Page } from '@playwright/test'
import { Children } from '../../../scripts/lib/children.mjs'
import { findFreePort } from '../../../scripts/lib/ports.mjs'
import { startEndpoint, startPage } from '../../../scripts/lib/services.mjs'
import { serveInFrontOf, serveSdkElsewhere, type Front, type TestServer } from './servers.js'

interface Services {
  /** The demo with an endpoint behind it. */
  readonly demoUrl: string
  readonly endpointUrl: string
  /** The demo whose endpoint is down: nothing listens at its address. */
  readonly deadEndpointDemoUrl: string
  /** The demo that was told of no endpoint. */
  readonly noEndpointDemoUrl: string
}

export interface Fixtures {
  readonly demo: Demo
  /** The address of another origin that has the SDK's built files. */
  readonly elsewhereUrl: string
  /** Puts a server in front of the demo, which changes its page; resolves with its address. */
  readonly inFront: (front: Front) => Promise<string>
}

export interface WorkerFixtures {
  readonly services: Services
}

/** Models are loaded and run while a test waits: on a busy machine with two cores that takes its time. */
export const expect = baseExpect.configure({ timeout: 45_000 })

export const test = base.extend<Fixtures, WorkerFixtures>({
  services: [
    // Playwright reads from the pattern which fixtures this one needs.
    // eslint-disable-next-line no-empty-pattern
    async ({}, use) => {
      const children = new Children()
      try {
        await use(await startServices(children))
      } finally {
        await children.stopAll()
      }
    },
    { scope: 'worker' },
  ],
  // eslint-disable-next-line no-empty-pattern
  elsewhereUrl: async ({}, use) => {
    const server = await serveSdkElsewhere()
    await use(server.url)
    await server.close()
  },
  inFront: async ({ services }, use) => {
    const servers: TestServer[] = []
    await use(async (front) => {
      const server = await serveInFrontOf(services.demoUrl, front)
      servers.push(server)
      return server.url
    })
    await Promise.all(servers.map((server) => server.close()))
  },
  demo: async ({ page }, use) => {
    await use(new Demo(page))
  },
})

async function startServices(children: Children): Promise<Services> {
  const quiet = () => undefined
  const endpoint = await startEndpoint(children, quiet)
  const demo = await startPage(children, quiet, endpoint.url)
  const deadPort = await findFreePort(9_600)
  const dead = await startPage(children, quiet, `http://localhost:${deadPort}`)
  const none = await startPage(children, quiet, '')
  return { demoUrl: demo.url, endpointUrl: endpoint.url, deadEndpointDemoUrl: dead.url, noEndpointDemoUrl: none.url }
}

/** The demo page as its users know it: by what is written on it. */
export class Demo {
  readonly page: Page
  readonly query: Locator
  readonly passages: Locator
  /** Where the last answer came from, and why. */
  readonly record: Locator
  readonly plan: Locator
  readonly lines: Locator
  readonly alert: Locator

  constructor(page: Page) {
    this.page = page
    this.query = page.getByLabel('What are you looking for?')
    this.passages = page.getByRole('list', { name: 'Passages' }).getByRole('listitem')
    this.record = page.getByRole('complementary', { name: 'Where answers come from' })
    this.plan = this.record.getByRole('list', { name: 'Plan', exact: true })
    this.lines = page.getByRole('list', { name: 'Lines of text' }).getByRole('listitem')
    this.alert = page.getByRole('alert').locator('visible=true')
  }

  button(name: string): Locator {
    return this.page.getByRole('button', { name, exact: true })
  }

  async choose(mode: 'Automatic' | 'Device only' | 'Remote only'): Promise<void> {
    await this.page.getByRole('radio', { name: mode }).check()
  }

  /** Opens the sample text and waits until it can be searched. */
  async readSample(): Promise<void> {
    await this.button('Use the sample text').click()
    await this.page.getByText('41 passages, ready').waitFor()
  }

  /** Moves a slider of "Try it" to the step that says so. */
  async slide(name: 'Connection' | 'Answer within', step: string): Promise<void> {
    const slider = this.page.getByRole('slider', { name })
    const last = Number(await slider.getAttribute('max'))
    for (let at = last; at >= 0; at -= 1) {
      await slider.fill(String(at))
      if ((await slider.getAttribute('aria-valuetext')) === step) return
    }
    throw new Error(`the slider "${name}" has no step "${step}"`)
  }

  /** Types a query, which is answered a moment later. */
  async search(query: string): Promise<void> {
    await this.query.fill(query)
  }
}

/** The requests for the weights of a model, as `bytes=from-to`, while the page makes them. */
export function watchWeights(page: Page): string[] {
  const ranges: string[] = []
  page.on('request', (request) => {
    const { pathname } = new URL(request.url())
    if (pathname.startsWith('/models/') && !pathname.endsWith('/manifest.json')) {
      ranges.push(`${pathname} ${request.headers()['range'] ?? 'all'}`)
    }
  })
  return ranges
}
