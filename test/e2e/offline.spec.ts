/** The policy `offline`, seen from outside: what the browser asks the network for, its workers included. */
import { expect, test as base, type Page } from '@playwright/test'
import { serveTabs, type TabsServer } from './support/tabs-server.js'

const test = base.extend<{ readonly server: TabsServer }>({
  // Playwright reads from the pattern which fixtures this one needs.
  // eslint-disable-next-line no-empty-pattern
  server: async ({}, use) => {
    const server = await serveTabs()
    await use(server)
    await server.close()
  },
})

/** What a page has asked for, by paths: from the page, its worker, and whatever the browser does by itself. */
function requestsOf(page: Page): string[] {
  const paths: string[] = []
  page.context().on('request', (request) => paths.push(new URL(request.url()).pathname))
  return paths
}

/** Runs a model; resolves with the engine that answered, or with the code of the failure. */
function run(page: Page, model: string, offline: boolean): Promise<string> {
  return page.evaluate(
    async ([name, isOffline]) => {
      const sdk = '/sdk/index.js'
      const { createClient } = (await import(sdk)) as typeof import('edgeward')
      const remote = { protocol: 'oip', url: `${location.origin}/endpoint` } as const
      const edge = createClient({ backends: ['wasm'], remote, policy: { offline: isOffline } })
      try {
        const { placement } = await edge.pipeline('feature-extraction', name)(['offline'])
        return placement.engine
      } catch (error) {
        return (error as { code: string }).code
      } finally {
        await edge.dispose()
      }
    },
    [model, offline] as const,
  )
}

test('an offline run asks for the scripts of Edgeward and nothing else, whether it answers or fails', async ({
  page,
  server,
}) => {
  await page.goto(server.url)
  expect(await run(page, 'all-minilm-l6-v2', false)).toBe('device')
  await page.reload()
  const served = server.weights.length
  const requests = requestsOf(page)
  expect(await run(page, 'all-minilm-l6-v2', true)).toBe('device')
  expect(await run(page, 'pp-ocrv4', true)).toBe('NOT_CACHED')
  expect(requests).toContain('/sdk/worker.js')
  expect(requests.some((path) => path.startsWith('/sdk/ort/'))).toBe(true) // What workers ask for is seen, too.
  expect(requests.filter((path) => !/^\/sdk\/([\w-]+\.js|ort\/[\w.-]+)$/.test(path))).toEqual([])
  expect(server.weights).toHaveLength(served)
})
