/** "Break it": a stream of requests goes on while what it needs is taken away; every fault is a real one. */
import type { Page } from '@playwright/test'
import { Demo, expect, test } from './support/fixtures.js'

// One page for all: each fault meets a stream that runs, on a device that has recovered from the one before.
test.describe.configure({ mode: 'serial' })

let page: Page
let demo: Demo

test.beforeAll(async ({ browser, services }) => {
  page = await browser.newPage()
  demo = new Demo(page)
  await page.goto(`${services.demoUrl}/#break`)
  await demo.button('Start asking').click()
  await expect(log('The model is ready on this device')).toBeVisible()
})

test.afterEach(async () => {
  await expectAnswersFrom('This device')
  expect(await numberOf('Lost')).toBe(0)
  expect(await numberOf('Wrong')).toBe(0)
  await expect(page.getByText(/^Nothing was lost: (\d+) of \1 answered/)).toBeVisible()
})

test.afterAll(async () => {
  await page.close()
})

test('where there is no GPU, its button says so', async () => {
  await expect(demo.button('Lose the GPU')).toBeDisabled()
  await expect(demo.button('Lose the GPU')).toHaveAccessibleDescription('Not here: there is no WebGPU adapter.')
})

test('a killed worker is replaced by a fresh one', async () => {
  await demo.button('Kill the worker').click()
  await expect(log('You killed the worker.')).toBeVisible()
  await expect(log('A fresh worker answers after')).toBeVisible()
})

test('a damaged chunk in the cache is found, and only it is fetched again', async () => {
  // On a very busy machine the store opens too late, and the model then comes without it: the next one meets the damage.
  await expect(async () => {
    await demo.button('Corrupt the cache').click()
    await expect(log('You overwrote 4.2 MB of the stored model with zeros')).toBeVisible()
    await expect(log('4.2 MB fetched, 19.2 MB from the store, every byte verified')).toBeVisible({ timeout: 15_000 })
  }).toPass({ timeout: 90_000 })
})

test('with a full disk the model runs from memory; with room again it is stored', async () => {
  await demo.button('Fill the disk').click()
  await expect(log('The model is not kept')).toBeVisible()
  await expectAnswersFrom('This device')
  await demo.button('Fill the disk').click()
  await expect(log('There is room again')).toBeVisible()
  await expect.poll(storedModels).toContain('all-minilm-l6-v2')
})

test('the device answers for an endpoint that is down, until that is up again', async () => {
  await page.getByLabel('Prefer').selectOption('the endpoint')
  await expectAnswersFrom('Endpoint')
  await demo.button('Take the endpoint down').click()
  await expect(log(/failed at the endpoint \(REMOTE_UNREACHABLE\); this device answered/)).toBeVisible()
  await expect(log('The endpoint does not answer')).toBeVisible()
  await demo.button('Take the endpoint down').click()
  await expect(log('The endpoint answers again after')).toBeVisible()
  await expectAnswersFrom('Endpoint')
  await page.getByLabel('Prefer').selectOption('the device')
})

test('a slow network is the one of "Connection"', async () => {
  const connection = page.getByRole('slider', { name: 'Connection' })
  await demo.button('Slow the network').click()
  await expect(connection).toHaveAttribute('aria-valuetext', '100 kB/s')
  await demo.slide('Connection', 'no limit')
  await expect(demo.button('Slow the network')).toHaveAttribute('aria-pressed', 'false')
})

const log = (text: string | RegExp) =>
  page.getByRole('list', { name: 'What happened' }).getByRole('listitem').filter({ hasText: text }).first()

async function numberOf(name: string): Promise<number> {
  const term = page.locator('#break-numbers div').filter({ has: page.getByText(name, { exact: true }) })
  return Number(await term.getByRole('definition').textContent())
}

/** From now on, and not before. */
async function expectAnswersFrom(place: 'This device' | 'Endpoint'): Promise<void> {
  const before = await numberOf(place)
  await expect.poll(() => numberOf(place)).toBeGreaterThan(before + 2)
}

/** As the page itself finds them in its store. */
function storedModels(): Promise<string[]> {
  return page.evaluate(
    () =>
      new Promise<string[]>((resolve, reject) => {
        const opening = indexedDB.open('edgeward-weights')
        opening.onerror = () => reject(opening.error ?? new Error('not opened'))
        opening.onsuccess = () => {
          const reading = opening.result.transaction('models').objectStore('models').getAllKeys()
          reading.onsuccess = () => resolve(reading.result.map(String))
          opening.result.close()
        }
      }),
  )
}
