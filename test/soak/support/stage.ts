/** The stage of the soak: a browser with two tabs, their site, their endpoint, and what is under way between them. */
import { setTimeout as delay } from 'node:timers/promises'
import { chromium, type Browser, type BrowserContext } from 'playwright'
import { chromiumArgs, findChromium, softwareWebGpuArgs } from '../../../scripts/lib/chromium.mjs'
import { Children } from '../../../scripts/lib/children.mjs'
import { startEndpoint } from '../../../scripts/lib/services.mjs'
import { startEndpointFront } from '../../chaos/support/endpoint.js'
import { startSite } from '../../chaos/support/site.js'
import { World, type Leftovers, type OpenOptions } from '../../chaos/support/world.js'
import { Tab } from './tab.js'
import { inputs, type Asked, type Kind } from './traffic.js'
import type { References } from './verdict.js'
import { Weather } from './weather.js'

export interface Stage {
  readonly browser: Browser
  readonly context: BrowserContext
  readonly world: World
  /** It asks all models, on the CPU, and lives as long as the soak. */
  readonly main: Tab
  /** It asks tiny-mlp, on the (software) GPU first. It is reloaded and frozen. */
  readonly other: Tab
  readonly site: Weather
  readonly endpoint: Weather
  readonly references: References
  /** Requests that left the browser with what must stay on the device. */
  readonly leaks: readonly string[]
  /** How far the pages' clocks are ahead. */
  aheadMs: number
  close(): Promise<Leftovers | undefined>
}

export const options: OpenOptions = {
  faulty: true,
  hedgeShare: 0.05,
  hangMs: 30_000,
  recycle: { runs: 100 },
  policy: { prefer: 'device' },
}

/** So that memory is measured at once; Chromium would wait until it has garbage to collect. */
const measuring = '--js-flags=--expose-gc'
/** So that pages are told the quota that they really have, instead of 10 GiB. */
const honestQuota = '--disable-features=StaticStorageQuota'

export async function setStage(): Promise<Stage> {
  const children = new Children()
  const { url } = await startEndpoint(children, () => undefined)
  const [site, front] = await Promise.all([startSite(), startEndpointFront(url)])
  const executablePath = findChromium()
  const browser = await chromium.launch({
    args: [...chromiumArgs, ...softwareWebGpuArgs, measuring, honestQuota],
    ...(executablePath === undefined ? {} : { executablePath }),
  })
  const context = await browser.newContext()
  const world = new World(context, site, front)
  const references = await referencesOf(world)
  const leaks: string[] = []
  context.on('request', (request) => {
    if (holdsSecret(request.postDataBuffer())) leaks.push(request.url())
  })
  return {
    browser,
    context,
    world,
    references,
    leaks,
    aheadMs: 0,
    main: await Tab.open(world, 'main tab', ['tensor', 'text', 'picture'], options),
    other: await Tab.open(world, 'other tab', ['tensor'], { ...options, backends: ['webgpu', 'wasm'] }),
    site: new Weather(site),
    endpoint: new Weather(front),
    async close() {
      const left = await world.close()
      await browser.close()
      await Promise.all([site.close(), front.close(), children.stopAll()])
      return left
    },
  }
}

/** What the endpoint answers: another runtime, another build of it. */
async function referencesOf(world: World): Promise<References> {
  const tab = await Tab.open(world, 'references', [], { device: false })
  const of = (kind: Kind) =>
    Promise.all(Array.from({ length: inputs[kind] }, (_, index) => referenceOf(tab, kind, index)))
  const references = { text: await of('text'), tensor: await of('tensor'), picture: await of('picture') }
  await tab.visit.evaluate('world.dispose()')
  await tab.close()
  return references
}

async function referenceOf(tab: Tab, kind: Kind, index: number): Promise<readonly number[]> {
  const asked: Asked = { number: 0, kind, index, lane: 'default', policy: {} }
  const outcome = await tab.send(asked)
  if (outcome.state !== 'answered') throw new Error(`the endpoint gave no reference: ${JSON.stringify(outcome)}`)
  return outcome.output
}

/** As in `pages/requests.js`. */
const secret = 12_345.678

function holdsSecret(body: Buffer | null): boolean {
  if (body === null) return false
  const bytes = Buffer.from(Float32Array.of(secret).buffer)
  return body.includes(bytes) || body.includes(String(Math.fround(secret)))
}

/** Waits until something is so; resolves with whether it came to that. */
export async function until(isSo: () => boolean | Promise<boolean>, limitMs: number): Promise<boolean> {
  const endsAt = performance.now() + limitMs
  while (performance.now() < endsAt) {
    if (await isSo()) return true
    await delay(100)
  }
  return isSo()
}
