/** What holds for every state of the pages: accessible, narrow enough, and nothing from anyone else. */
import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from '@playwright/test'
import { expect, test, type Demo } from './support/fixtures.js'

const schemes = ['light', 'dark'] as const

for (const colorScheme of schemes) {
  test(`no accessibility violation in any state, ${colorScheme}`, async ({ demo, services }) => {
    const { page } = demo
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    await page.goto(services.deadEndpointDemoUrl)
    await expectAccessible(page, 'empty')
    await demo.readSample()
    await demo.search('keeping food fresh')
    await expect(demo.passages.first().locator('mark')).toBeVisible()
    await expectAccessible(page, 'ranked')
    await demo.choose('Remote only')
    await expect(demo.alert).toContainText('The endpoint does not answer.')
    await expectAccessible(page, 'failed')
    await demo.choose('Automatic')
    await page.getByRole('link', { name: 'Read a picture' }).click()
    await expectAccessible(page, 'no picture')
    await demo.button('Use the sample picture').click()
    await expect(demo.lines).not.toHaveCount(0)
    await expectAccessible(page, 'picture')
    await page.setViewportSize({ width: 360, height: 740 })
    await demo.button('Details').click()
    await expectAccessible(page, 'narrow, with details')
    await page.goto(`${services.demoUrl}/script-tag.html`)
    await expectAccessible(page, 'script tag')
  })

  test(`no accessibility violation while things break, ${colorScheme}`, async ({ demo, services }) => {
    const { page } = demo
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    await page.goto(`${services.demoUrl}/#break`)
    await expectAccessible(page, 'nothing broken')
    await breakWhileAnswering(demo)
    await expectAccessible(page, 'broken')
  })
}

test('360 pixels are wide enough for every state', async ({ demo, services }) => {
  const { page } = demo
  await page.setViewportSize({ width: 360, height: 740 })
  await page.goto(services.demoUrl)
  await expectNoSidewaysScroll(page, 'empty')
  await page.getByLabel('Your text').fill(`${'Ein-Wort-ohne-Ende'.repeat(10)} ${'word'.repeat(30)}.`)
  await demo.button('Search this text').click()
  await expect(page.getByText('1 passage, ready')).toBeVisible()
  await demo.search('word')
  await expect(demo.passages.first()).toContainText('Match')
  await expectNoSidewaysScroll(page, 'ranked')
  await demo.button('Details').click()
  await expectNoSidewaysScroll(page, 'details')
  await demo.button('Details').click()
  await page.getByRole('link', { name: 'Read a picture' }).click()
  await expectNoSidewaysScroll(page, 'no picture')
  await demo.button('Use the sample picture').click()
  await expect(demo.lines).not.toHaveCount(0)
  await expectNoSidewaysScroll(page, 'picture')
  await page.getByRole('link', { name: 'Break it' }).click()
  await expectNoSidewaysScroll(page, 'nothing broken')
  await breakWhileAnswering(demo)
  await expectNoSidewaysScroll(page, 'broken')
  await page.goto(`${services.demoUrl}/script-tag.html`)
  await expectNoSidewaysScroll(page, 'script tag')
})

test('nothing is loaded from another origin, besides what the endpoint is asked', async ({ demo, services }) => {
  const origins = new Set<string>()
  demo.page.on('request', (request) => {
    const { protocol, origin } = new URL(request.url())
    if (protocol.startsWith('http')) origins.add(origin)
  })
  await demo.page.goto(services.demoUrl)
  await demo.readSample()
  await demo.page.getByRole('link', { name: 'Read a picture' }).click()
  await demo.button('Use the sample picture').click()
  await expect(demo.lines).not.toHaveCount(0)
  await demo.page.goto(`${services.demoUrl}/script-tag.html`)
  await demo.button('Compare').click()
  await expect(demo.page.getByRole('status')).toContainText('computed')
  expect([...origins].sort()).toEqual([services.demoUrl, services.endpointUrl].sort())
})

/** Shows the tool "Break it" with marks, numbers, a button that is pressed and a log. */
async function breakWhileAnswering(demo: Demo): Promise<void> {
  await demo.button('Start asking').click()
  await expect(demo.page.getByText(/^Nothing was lost: /)).toBeVisible()
  await demo.button('Take the endpoint down').click()
  await demo.button('Kill the worker').click()
  await expect(demo.page.getByRole('list', { name: 'What happened' })).toContainText('A fresh worker answers')
}

async function expectAccessible(page: Page, state: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze()
  const found = violations.map(({ id, nodes }) => `${state}: ${id} at ${nodes.map(({ html }) => html).join(' | ')}`)
  expect(found).toEqual([])
}

async function expectNoSidewaysScroll(page: Page, state: string): Promise<void> {
  const { scrollWidth, clientWidth } = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement
    return { scrollWidth, clientWidth }
  })
  expect({ state, scrollWidth }).toEqual({ state, scrollWidth: clientWidth })
}
