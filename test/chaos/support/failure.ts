/** `failure(…)`: a row of the table of failures (docs/failures.md), and the test that it is true. */
import { expect as baseExpect, test as base } from '@playwright/test'
import { Children } from '../../../scripts/lib/children.mjs'
import { startEndpoint } from '../../../scripts/lib/services.mjs'
import { startEndpointFront } from './endpoint.js'
import type { Front } from './front.js'
import { placesOf, problemsOf, type References } from './outcome.js'
import { referencesFrom } from './references.js'
import { startSite, type Site } from './site.js'
import { World, type Asked, type Visit } from './world.js'

/** What the table says of a failure. `scripts/failures.mjs` reads it from the source: only literals. */
export interface Failure {
  /** Its number in the list that the tests were made from. */
  readonly row: number
  /** What fails. */
  readonly name: string
  /** What the user notices. */
  readonly user: string
  /** What Edgeward does. */
  readonly edgeward: string
  /** How, and where, it is made to happen. */
  readonly injected: string
}

interface Services {
  readonly site: Site
  readonly endpoint: Front
  readonly references: References
}

/** Models are loaded while a test waits. */
export const expect = baseExpect.configure({ timeout: 20_000 })

const test = base.extend<{ readonly world: World }, { readonly services: Services }>({
  services: [
    async ({ browser }, use) => {
      const children = new Children()
      const { url } = await startEndpoint(children, () => undefined)
      const [site, endpoint] = await Promise.all([startSite(), startEndpointFront(url)])
      const context = await browser.newContext()
      const references = await referencesFrom(new World(context, site, endpoint))
      await context.close()
      await use({ site, endpoint, references })
      await Promise.all([site.close(), endpoint.close(), children.stopAll()])
    },
    { scope: 'worker' },
  ],
  world: async ({ context, services }, use) => {
    const { site, endpoint, references } = services
    site.reset()
    endpoint.reset()
    const world = new World(context, site, endpoint)
    await use(world)
    try {
      const left = await world.close()
      // Whatever the row is about: nothing lost, nothing wrong, nothing refused, nothing thrown at nobody, nothing left,
      // nothing told that was not so.
      expect(problemsOf(world.outcomes, references)).toEqual({ lost: [], wrong: [], failed: [] })
      expect(world.visits.flatMap(({ uncaught }) => uncaught)).toEqual([])
      expect(left).toEqual({ workers: 0, locks: [], database: 'free', isToldTruly: true })
    } finally {
      await world.end()
    }
  },
})

/** Defines the test of a row. It sends requests before, while and after the failure is there. */
export function failure({ row, name }: Failure, injection: (world: World) => Promise<void>): void {
  test(`${row}. ${name}`, async ({ world }) => {
    await injection(world)
  })
}

/** Sends requests until all of them are answered there: a placement that failed may rest for a while. */
export async function recovers(
  visit: Visit,
  place: 'webgpu' | 'wasm' | 'endpoint',
  asked: Asked = { tensors: 3 },
): Promise<void> {
  await expect.poll(async () => placesOf(await visit.ask(asked))).toEqual([place])
}
