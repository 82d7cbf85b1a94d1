/** Requests move to where they are answered best, and back: told by traces and events, with a real model and endpoint. */
import type { Page } from '@playwright/test'
import type * as EdgewardModule from 'edgeward'
import type { Client, EdgewardEvents, Placement, Policy, Trace } from 'edgeward'
import { expect, test } from './support/fixtures.js'
import { serveFarAway } from './support/servers.js'
import { slowDown } from './support/slow-cpu.js'

/** The global of the script-tag build, in the page, and what these tests put beside it. */
declare const Edgeward: typeof EdgewardModule
declare const edge: Client
declare const told: { readonly traces: Trace[]; readonly moves: EdgewardEvents['placement'][] }

const model = 'all-minilm-l6-v2'

test('a first visit is answered by the endpoint while the model is on its way, then by the device', async ({
  page,
  services,
}) => {
  await page.goto(`${services.demoUrl}/script-tag.html`)
  await limitConnection(page, 2_000_000)
  await createClient(page, services.endpointUrl, {})
  await embedUntil(page, 'device')
  const traces = await tracesOf(page)
  const engines = traces.map(({ placement }) => placement?.engine)
  const firstOnDevice = engines.indexOf('device')
  expect(firstOnDevice).toBeGreaterThan(0)
  // Nobody waited for a byte: no request has a download or a session in it, and none was tried in vain.
  for (const { spans, outcome } of traces) {
    expect(outcome).toBe('answered')
    expect(spans.filter(({ name }) => name === 'download' || name === 'session')).toEqual([])
    expect(spans.filter(({ name }) => name === 'attempt')).toHaveLength(1)
  }
  expect(traces[0]?.plan?.prepareNext).toMatchObject({ engine: 'device', variant: 'q8' })
  expect(engines.slice(firstOnDevice)).toEqual(['device'])
  const moves = await page.evaluate(() => told.moves)
  expect(moves.map(({ from, to }) => [from.engine, to.engine])).toEqual([['remote', 'device']])
})

test('a device that becomes slow is left for the endpoint, and used again when it has recovered', async ({
  page,
  services,
}) => {
  test.setTimeout(240_000) // A slow device takes its time to be found out, and to be found again.
  const endpoint = await serveFarAway(services.endpointUrl, 150)
  await hidePressure(page)
  await page.goto(`${services.demoUrl}/script-tag.html`)
  await createClient(page, endpoint.url, { prefer: 'fastest' })
  await page.evaluate((name) => edge.prepare(name), model)
  await embed(page, 10, { residency: 'local-only' })
  await embed(page, 6, { prefer: 'remote' })
  await embedUntil(page, 'device')

  const release = await slowDown(page, 40)
  try {
    await embedUntil(page, 'remote')
  } finally {
    await release()
  }
  const { plan, placement } = await lastTrace(page)
  expect(placement).toEqual({ engine: 'remote', endpoint: `${endpoint.url}/` })
  expect(plan?.placements.map((planned) => planned.placement.engine)).toEqual(['remote', 'device'])
  expect(plan?.placements[1]).toMatchObject({ readiness: 'ready', estimate: { basis: 'measured' } })
  expect(plan?.remeasure).toMatchObject({ engine: 'device' })

  await embedUntil(page, 'device')
  const moves = await page.evaluate(() => told.moves)
  const ways = moves.map(({ from, to }) => `${from.engine} to ${to.engine}`)
  expect(ways.slice(ways.lastIndexOf('device to remote'))).toEqual(['device to remote', 'remote to device'])
  await endpoint.close()
})

for (const [what, policy, isSaving] of [
  ['a browser that saves data', {}, true],
  ['a small maxDownloadBytes', { maxDownloadBytes: 1_000_000 }, false],
] as const) {
  test(`${what} keeps weights off the network, and the plan says so`, async ({ page, services }) => {
    const weights: string[] = []
    page.context().on('request', (request) => {
      if (/\/models\/.*(?<!manifest\.json)$/.test(request.url())) weights.push(request.url())
    })
    if (isSaving) await saveData(page)
    await page.goto(`${services.demoUrl}/script-tag.html`)
    await createClient(page, services.endpointUrl, policy)
    await embed(page, 5)
    const traces = await tracesOf(page)
    expect(traces.map(({ placement }) => placement?.engine)).toEqual(Array<string>(5).fill('remote'))
    expect(traces.map(({ plan }) => plan?.prepareNext)).toEqual(Array<undefined>(5).fill(undefined))
    const ruledOut = traces[0]?.plan?.ruledOut.filter(({ code }) => code === 'NOT_CACHED')
    expect(ruledOut).toEqual([expect.objectContaining({ placement: expect.objectContaining({ engine: 'device' }) })])
    expect(weights.filter((url) => url.endsWith('.onnx'))).toEqual([])
  })
}

/** A client of the script-tag build with an endpoint, which remembers what it tells. */
async function createClient(page: Page, endpoint: string, policy: Policy): Promise<void> {
  await page.evaluate(
    ({ url, policy }) => {
      const created = Edgeward.createClient({
        remote: { protocol: 'oip', url },
        backends: ['wasm'],
        hedgeShare: 0,
        policy,
      })
      const remembered: typeof told = { traces: [], moves: [] }
      created.on('request', (trace) => remembered.traces.push(trace))
      created.on('placement', (move) => remembered.moves.push(move))
      Object.assign(window, { edge: created, told: remembered })
    },
    { url: endpoint, policy },
  )
}

/** One request after the other, all of the same size. */
async function embed(page: Page, requests: number, policy?: Policy): Promise<void> {
  await page.evaluate(
    async ({ name, requests, policy }) => {
      const run = edge.pipeline('feature-extraction', name)
      const options = policy === undefined ? {} : { policy }
      for (let i = 0; i < requests; i += 1) await run(['The last train has already left the station.'], options)
    },
    { name: model, requests, policy },
  )
}

/** Asks until an engine has answered. */
async function embedUntil(page: Page, engine: Placement['engine']): Promise<void> {
  await expect
    .poll(
      async () => {
        await embed(page, 1)
        return (await lastTrace(page)).placement?.engine
      },
      { timeout: 90_000, intervals: [100] },
    )
    .toBe(engine)
}

const tracesOf = (page: Page): Promise<readonly Trace[]> => page.evaluate(() => told.traces)

async function lastTrace(page: Page): Promise<Trace> {
  const trace = await page.evaluate(() => told.traces.at(-1))
  if (trace === undefined) throw new Error('no request has ended')
  return trace
}

/** As the demo's slider does. */
async function limitConnection(page: Page, bytesPerSecond: number): Promise<void> {
  const status = await page.evaluate(
    async (rate) => (await fetch(`/connection?bytesPerSecond=${rate}`, { method: 'POST' })).status,
    bytesPerSecond,
  )
  expect(status).toBe(204)
}

/** Under pressure nothing is measured again: what else this machine has to do would decide how the test ends. */
async function hidePressure(page: Page): Promise<void> {
  await page.addInitScript(() => void Reflect.deleteProperty(globalThis, 'PressureObserver'))
}

/** The browser's own switch has no place in DevTools' protocol: the page sees it as if it were on. */
async function saveData(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const connection = Object.assign(new EventTarget(), { saveData: true, effectiveType: '4g', downlink: 10, rtt: 50 })
    Object.defineProperty(Navigator.prototype, 'connection', { get: () => connection })
  })
}
