/** One download for all tabs, with real pages of one browser: together, and when the page that downloads goes. */
import { expect as baseExpect, test as base, type BrowserContext, type Page } from '@playwright/test'
import { readFile } from 'node:fs/promises'
import type { Manifest } from 'edgeward'
import { fromRoot } from '../../scripts/lib/root.mjs'
import { serveTabs, type TabsServer } from './support/tabs-server.js'

const graph = 'model_q8.onnx'

interface Progress {
  readonly loadedBytes: number
  readonly cachedBytes: number
}

/** Models are loaded and run while a test waits. */
const expect = baseExpect.configure({ timeout: 45_000 })

const test = base.extend<{ readonly server: TabsServer }>({
  // Playwright reads from the pattern which fixtures this one needs.
  // eslint-disable-next-line no-empty-pattern
  server: async ({}, use) => {
    const server = await serveTabs()
    await use(server)
    await server.close()
  },
})

for (const count of [2, 5]) {
  test(`${count} pages that start together fetch every chunk exactly once in all`, async ({ context, server }) => {
    const { chunkBytes, files } = await readModel()
    server.hold(graph, 1)
    const pages = await openPages(context, server, count)
    const answers = pages.map(start)
    // One page has the first chunk, and the others wait for it.
    await expectProgress(pages, (progress) => progress.loadedBytes >= chunkBytes)
    server.release()
    expect(await Promise.all(answers)).toEqual(pages.map(() => ({ dimensions: 384, engine: 'device' })))
    const requests = server.weights.map(({ file, range }) => `${file} ${range}`)
    expect(new Set(requests).size).toBe(requests.length)
    expect(requests).toHaveLength(files.reduce((sum, { chunks }) => sum + chunks.length, 0))
    expect(await networkBytes(pages)).toBe(files.reduce((sum, { bytes }) => sum + bytes, 0))
  })
}

const ends: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  'is closed': (page) => page.close(),
  crashes: crash,
}

for (const [what, end] of Object.entries(ends)) {
  test(`when the page that downloads ${what}, another finishes, without what was verified`, async ({
    context,
    server,
  }) => {
    const { chunkBytes } = await readModel()
    server.hold(graph, 2)
    const pages = await openPages(context, server, 3)
    const answers = new Map(pages.map((page) => [page, start(page)]))
    await expectProgress(pages, (progress) => progress.loadedBytes >= 2 * chunkBytes)
    const owner = await ownerOf(pages, 2 * chunkBytes)
    const others = pages.filter((page) => page !== owner)
    const verified = server.weights.filter(({ file, isAnswered }) => file === graph && isAnswered)
    expect(verified).toHaveLength(2)

    answers.get(owner)?.catch(() => undefined) // It has no answer any more.
    await end(owner)
    server.release()

    const answered = await Promise.all(others.map(async (page) => answers.get(page)))
    expect(answered).toEqual(others.map(() => ({ dimensions: 384, engine: 'device' })))
    const ranges = server.weights.filter(({ file }) => file === graph).map(({ range }) => range)
    for (const { range } of verified) expect(ranges.filter((other) => other === range)).toHaveLength(1)
    const { files } = await readModel()
    const bytes = files.find(({ path }) => path === graph)?.bytes ?? NaN
    const assets = files.reduce((sum, file) => sum + file.bytes, 0) - bytes
    // Of the graph, the others together fetched the rest, once.
    const fetched = await networkBytes(others)
    expect(fetched).toBeGreaterThanOrEqual(bytes - 2 * chunkBytes)
    expect(fetched).toBeLessThanOrEqual(bytes - 2 * chunkBytes + assets)
  })
}

async function readModel() {
  const manifest = JSON.parse(await readFile(fromRoot('.models/all-minilm-l6-v2/manifest.json'), 'utf8')) as Manifest
  const graphs = manifest.variants.flatMap((variant) => Object.values(variant.graphs).map(({ file }) => file))
  return { chunkBytes: manifest.chunkBytes, files: [...graphs, ...Object.values(manifest.assets)] }
}

async function openPages(context: BrowserContext, server: TabsServer, count: number): Promise<Page[]> {
  const pages = await Promise.all(Array.from({ length: count }, () => context.newPage()))
  await Promise.all(pages.map((page) => page.goto(server.url)))
  return pages
}

function start(page: Page): Promise<unknown> {
  return page.evaluate('window.start()')
}

async function progressOf(page: Page): Promise<Progress> {
  return page.evaluate<Progress>('window.progress')
}

async function expectProgress(pages: readonly Page[], isEnough: (progress: Progress) => boolean): Promise<void> {
  for (const page of pages) await expect.poll(async () => isEnough(await progressOf(page))).toBe(true)
}

/** The page that has the graph's chunks from the network. */
async function ownerOf(pages: readonly Page[], bytes: number): Promise<Page> {
  for (const page of pages) {
    if ((await networkBytes([page])) >= bytes) return page
  }
  throw new Error('no page has fetched that much')
}

async function networkBytes(pages: readonly Page[]): Promise<number> {
  const progress = await Promise.all(pages.map(progressOf))
  return progress.reduce((sum, { loadedBytes, cachedBytes }) => sum + loadedBytes - cachedBytes, 0)
}

/** Ends the page's process; the browser never answers this command. */
async function crash(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page)
  const crashed = page.waitForEvent('crash')
  session.send('Page.crash').catch(() => undefined)
  await crashed
}
