/** What the tests of storage share: visits to a page that runs a model, quotas by the DevTools protocol, a look inside. */
import { expect as baseExpect, test as base, type CDPSession, type Page } from '@playwright/test'
import { serveTabs, type TabsServer } from './tabs-server.js'

export const model = 'all-minilm-l6-v2'
export const graph = 'model_q8.onnx'
/** Less than the model needs, more than the margin that is left for others. */
export const scarceBytes = 20_000_000

/** Models are loaded and run while a test waits. */
export const expect = baseExpect.configure({ timeout: 45_000 })

export interface Visit {
  readonly page: Page
  readonly session: CDPSession
}

export const test = base.extend<{ readonly server: TabsServer; readonly visit: () => Promise<Visit> }>({
  // Playwright reads from the pattern which fixtures this one needs.
  // eslint-disable-next-line no-empty-pattern
  server: async ({}, use) => {
    const server = await serveTabs()
    await use(server)
    await server.close()
  },
  visit: async ({ context, server }, use) => {
    await use(async () => {
      const page = await context.newPage()
      await page.goto(server.url)
      return { page, session: await context.newCDPSession(page) }
    })
  },
})

/** The quota of the page's origin from now on; without `quotaSize`, the browser's own. */
export async function setQuota({ page, session }: Visit, quotaSize?: number): Promise<void> {
  const origin = new URL(page.url()).origin
  await session.send('Storage.overrideQuotaForOrigin', { origin, ...(quotaSize !== undefined && { quotaSize }) })
}

export async function expectAnswer(answer: Promise<unknown>): Promise<void> {
  expect(await answer).toEqual({ dimensions: 384, engine: 'device' })
}

export const start = ({ page }: Visit): Promise<unknown> => page.evaluate('window.start()')
export const reasons = ({ page }: Visit) => page.evaluate<string[]>('window.reasons')
export const list = ({ page }: Visit) =>
  page.evaluate<string[]>('window.edge.models.list().then((all) => all.map(({ id }) => id))')
export const storedChunks = ({ page }: Visit) =>
  page.evaluate(
    () =>
      new Promise<number>((resolve, reject) => {
        const opening = indexedDB.open('edgeward-weights')
        opening.onerror = () => reject(opening.error ?? new Error('not opened'))
        opening.onsuccess = () => {
          const counting = opening.result.transaction('chunks').objectStore('chunks').count()
          counting.onsuccess = () => resolve(counting.result)
          opening.result.close()
        }
      }),
  )

/** Runs the model until two chunks of its graph are stored; the others wait. */
export async function startHeld(visit: Visit, server: TabsServer): Promise<{ readonly answer: Promise<unknown> }> {
  server.hold(graph, 2)
  const answer = start(visit)
  answer.catch(() => undefined) // Awaited when the test has done its harm.
  await expect.poll(() => server.weights.filter(({ file, isAnswered }) => file === graph && isAnswered).length).toBe(2)
  await expect.poll(() => storedChunks(visit)).toBeGreaterThanOrEqual(2)
  return { answer }
}
