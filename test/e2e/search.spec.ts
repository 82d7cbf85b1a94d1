/** Searching a text by meaning. */
import { expect, test, watchWeights } from './support/fixtures.js'

test('a keyboard is enough to search the sample text, and the right passage comes first', async ({
  demo,
  services,
}) => {
  const { page } = demo
  await page.goto(services.demoUrl)
  const sample = demo.button('Use the sample text')
  while (!(await sample.evaluate((button) => button === document.activeElement))) await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await expect(demo.query).toBeFocused()
  await page.keyboard.type('my landlord has not paid me back')
  await expect(demo.passages.first()).toContainText('the deposit must be returned')
  await expect(demo.passages.first().locator('mark')).toContainText('deposit')
  await expect(page.getByRole('status')).toContainText('Best match: When the tenants')
})

test('where an answer ran, why, and how long each phase took is shown', async ({ demo, services }) => {
  await demo.page.goto(services.demoUrl)
  await demo.choose('Device only')
  await demo.readSample()
  await expect(demo.record).toContainText('On this device')
  await expect(demo.record).toContainText('41 passages · CPU · q8')
  await expect(demo.record.locator('dl')).toContainText(/Load\s*\d.*Inference\s*\d/)
  await demo.choose('Automatic')
  await demo.search('how to keep warm')
  await expect(demo.record).toContainText('Search · CPU · q8')
  await expect(demo.record.locator('dl')).toContainText(
    /Load\s*–\s*Queue\s*\S.*Preprocess\s*\d.*Inference\s*\d.*Postprocess\s*\d/,
  )
  await expect(demo.plan.getByRole('listitem').nth(0)).toContainText('answered')
  await expect(demo.plan.getByRole('listitem').nth(1)).toContainText('Answers when the device cannot')
  await expect(demo.plan).toContainText('ruled out')
})

test('pasted text and dropped files are searched', async ({ demo, services }) => {
  const { page } = demo
  await page.goto(services.demoUrl)
  await page
    .getByLabel('Your text')
    .fill('The cat is asleep on the sofa in the sun.\n\nThe central bank has raised its interest rates once more.')
  await demo.button('Search this text').click()
  await demo.search('economy')
  await expect(demo.passages.first()).toContainText('central bank')
  await demo.button('Change text').click()
  await page
    .getByLabel('Choose files')
    .setInputFiles({ name: 'a.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF') })
  await expect(demo.alert).toHaveText('Only text files (.txt, .md) can be searched.')
  const data = await page.evaluateHandle(() => {
    const transfer = new DataTransfer()
    transfer.items.add(new File(['# Notes\n\nRemember to water the plants while we are away.'], 'notes.md'))
    return transfer
  })
  await page.dispatchEvent('#source', 'drop', { dataTransfer: data })
  await expect(page.getByText('notes.md')).toBeVisible()
  await expect(demo.passages).toHaveText([/# Notes Remember to water the plants/])
  await expect(page.getByText('1 passage, ready')).toBeVisible()
})

test('a cancelled download leaves the page usable, and the next try goes on where it stopped', async ({
  demo,
  services,
}) => {
  const { page } = demo
  await page.goto(services.demoUrl)
  await demo.choose('Device only')
  const ranges = watchWeights(page)
  let passed = 0
  // The third chunk and all after it wait for an answer that never comes.
  await page.route('**/model_q8.onnx', async (route) => {
    passed += 1
    if (passed <= 2) await route.continue()
  })
  await demo.button('Use the sample text').click()
  await expect(demo.record).toContainText(/Fetching (?!0 kB).* of 23\.4 MB/)
  await expect.poll(() => ranges.length).toBeGreaterThan(4)
  await expect(demo.record.getByRole('progressbar')).toHaveJSProperty('value', 4_194_304 * 2 + 466_597)
  await demo.button('Cancel').click()
  await expect(page.getByText('41 passages, not read yet')).toBeVisible()
  await expect(demo.alert).toHaveText([])

  await page.unroute('**/model_q8.onnx')
  ranges.length = 0
  await demo.button('Go on').click()
  await expect(page.getByText('41 passages, ready')).toBeVisible()
  expect(ranges).not.toHaveLength(0)
  expect(ranges).not.toContain('/models/all-minilm-l6-v2/model_q8.onnx bytes=0-4194303')
  expect(ranges).not.toContain('/models/all-minilm-l6-v2/model_q8.onnx bytes=4194304-8388607')
})

test('a second visit asks the network for no byte of the weights and still answers on the device', async ({
  demo,
  services,
}) => {
  const ranges = watchWeights(demo.page)
  await demo.page.goto(services.demoUrl)
  await demo.readSample()
  await expect(demo.record).toContainText('The model is ready on this device')
  expect(ranges).not.toHaveLength(0)

  ranges.length = 0
  await demo.page.goto('about:blank')
  await demo.page.goto(services.demoUrl)
  await demo.readSample()
  await expect(demo.record).toContainText('On this device')
  expect(ranges).toEqual([])
})
