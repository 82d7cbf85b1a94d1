/** Failures on the way of weights into the cache. */
import { expect, failure, recovers } from './support/failure.js'
import { answersPage, holdsBack, cutsAfter, sendsZeros } from './support/misbehaviour.js'
import { codesOf, placesOf } from './support/outcome.js'

const graph = /\/model_q8\.onnx/
const texts = { texts: 2 }

failure(
  {
    row: 18,
    name: 'The server answers a page instead of weights, and lets the browser keep it',
    user: 'answers from the endpoint',
    edgeward: 'stores only what has the status, the length and the digest that it should; asks past the HTTP cache',
    injected: 'Chromium: status 200 with HTML, `Cache-Control: immutable`',
  },
  async (world) => {
    const visit = await world.visit()
    await visit.ask({ tensors: 3 })
    world.site.misbehave(graph, answersPage('public, max-age=31536000, immutable'))
    const during = await visit.ask(texts)
    expect([placesOf(during), codesOf(during)]).toEqual([['endpoint'], ['DOWNLOAD_FAILED']])
    world.heal()
    await recovers(visit, 'wasm', texts)
  },
)

failure(
  {
    row: 19,
    name: 'Weights come cut off, or with the right length and zeros inside',
    user: 'answers from the endpoint, until the server sends the right bytes',
    edgeward:
      'checks every chunk’s digest, asks again for what is missing or wrong only, writes the model’s record last',
    injected: 'Chromium: a server that sends zeros, then one that cuts the connection in mid-chunk',
  },
  async (world) => {
    const visit = await world.visit()
    await visit.ask({ tensors: 3 })
    world.site.misbehave(graph, sendsZeros)
    const zeros = await visit.ask(texts)
    expect([placesOf(zeros), codesOf(zeros)]).toEqual([['endpoint'], ['INTEGRITY']])
    expect(await visit.evaluate('world.edge.models.list().then((all) => all.map(({ id }) => id))')).toEqual([
      'tiny-mlp',
    ])
    world.heal()
    world.site.misbehave(graph, cutsAfter(0.5), 2)
    await recovers(visit, 'wasm', texts)
    const ranges = world.site.requests.filter(({ path }) => graph.test(path)).map(({ range }) => range)
    expect(new Set(ranges).size).toBe(ranges.length)
  },
)

failure(
  {
    row: 20,
    name: 'A second page reads while the first one writes',
    user: 'answers in both',
    edgeward: 'one page downloads, the other waits for what is verified; nobody sees half a model',
    injected: 'Chromium: two pages, with the weights held back until both want them',
  },
  async (world) => {
    const first = await world.visit()
    await first.ask({ tensors: 3 })
    const gate = holdsBack()
    world.site.misbehave(graph, gate.how)
    const writing = first.ask(texts)
    await expect.poll(() => world.site.requests.some(({ path }) => graph.test(path))).toBe(true)
    const second = await world.visit()
    const reading = second.ask(texts)
    await expect.poll(() => second.evaluate('world.phase')).toBe('download')
    gate.release()
    const during = [...(await writing), ...(await reading)]
    expect([placesOf(during), codesOf(during)]).toEqual([['wasm'], []])
    const ranges = world.site.requests.filter(({ path }) => graph.test(path)).map(({ range }) => range)
    expect(new Set(ranges).size).toBe(ranges.length)
    await recovers(second, 'wasm', texts)
  },
)

failure(
  {
    row: 29,
    name: 'Several tabs load the same model',
    user: 'answers in all of them',
    edgeward: 'fetches every chunk once in all; each tab has a worker and sessions of its own',
    injected: 'Chromium: four pages that ask in the same moment',
  },
  async (world) => {
    const pages = [await world.visit(), await world.visit(), await world.visit(), await world.visit()]
    const together = (await Promise.all(pages.map((page) => page.ask({ texts: 1, tensors: 1 })))).flat()
    expect([placesOf(together), codesOf(together)]).toEqual([['wasm'], []])
    const weights = world.site.requests.filter(({ path }) => path.endsWith('.onnx'))
    const asked = weights.map(({ path, range }) => `${path} ${range}`)
    expect(new Set(asked).size).toBe(asked.length)
    for (const page of pages) expect(await page.workers()).toEqual({ live: 1, started: 1 })
    await pages[3]?.page.close()
    const after = (await Promise.all(pages.slice(0, 3).map((page) => page.ask()))).flat()
    expect([placesOf(after), codesOf(after)]).toEqual([['wasm'], []])
  },
)
