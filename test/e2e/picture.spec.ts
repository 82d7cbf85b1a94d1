/** Reading the text in a picture. */
import { fromRoot } from '../../scripts/lib/root.mjs'
import { expect, test } from './support/fixtures.js'

const threeLines = [
  'Edge models run here',
  'The quick brown fox jumps over 13 lazy dogs.',
  'Invoice no. 2026-1142, total 87.50 EUR, due in 14 days',
]

test('three lines are read exactly, on the device and at the endpoint', async ({ demo, services }) => {
  const { page } = demo
  const texts = demo.lines.locator('.line-text')
  await page.goto(`${services.demoUrl}#picture`)
  await demo.choose('Device only')
  await page.getByLabel('Choose a picture').setInputFiles(fromRoot('test/fixtures/images/three-lines.png'))
  await expect(texts).toHaveText(threeLines)
  await expect(demo.record).toContainText('On this device')
  await demo.choose('Remote only')
  await expect(demo.record).toContainText('At the endpoint')
  await expect(texts).toHaveText(threeLines)
})

test('the sample picture is read; pointing at a line shows its place and the other way round', async ({
  demo,
  services,
}) => {
  const { page } = demo
  await page.goto(services.demoUrl)
  await page.getByRole('link', { name: 'Read a picture' }).click()
  await demo.button('Use the sample picture').click()
  await expect(demo.lines).toContainText(['Allotment Gardens', 'Notice to all tenants, 14 March'])
  const boxes = page.locator('#picture-overlay polygon')
  await expect(boxes).toHaveCount(await demo.lines.count())

  await demo.button('Show line 2 in the picture').focus()
  await expect(boxes.nth(1)).toHaveAttribute('data-pointed')
  await boxes.nth(0).hover()
  await expect(demo.lines.nth(0)).toHaveAttribute('data-pointed')
  await expect(boxes.nth(1)).not.toHaveAttribute('data-pointed')

  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await demo.button('Copy text').click()
  await expect(page.locator('#picture-state')).toHaveText('Copied')
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain('Lost and found\nOne blue watering can')
})

test('a file that is no picture is refused in a sentence', async ({ demo, services }) => {
  await demo.page.goto(`${services.demoUrl}#picture`)
  const file = { name: 'broken.png', mimeType: 'image/png', buffer: Buffer.from('this is no picture') }
  await demo.page.getByLabel('Choose a picture').setInputFiles(file)
  await expect(demo.alert).toContainText('This could not be read.')
  await expect(demo.alert).toContainText('INVALID_INPUT')
})
