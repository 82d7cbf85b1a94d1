/** The plan as the demo shows it: a plot, reasons in words, and controls that change it. */
import { expect, test } from './support/fixtures.js'

test('on a slow first visit the endpoint answers and the plan shows the model coming; then the device answers', async ({
  demo,
  services,
}) => {
  const { page, plan, record } = demo
  const [first, second] = [plan.getByRole('listitem').nth(0), plan.getByRole('listitem').nth(1)]
  await page.goto(services.demoUrl)
  await demo.slide('Connection', '1.0 MB/s')
  await demo.readSample()
  await expect(record).toContainText('At the endpoint')
  await expect(first).toContainText(/Endpoint.*answered/)
  await expect(second).toContainText('This device')
  await expect(second).toContainText(/On its way: [1-9]\d? %/)
  await expect(record).toContainText(/Fetching .*, in the background/)
  await expect(demo.button('Cancel')).toBeHidden()

  await demo.slide('Connection', 'no limit')
  await expect(record).toContainText('The model is ready on this device')
  await demo.search('keeping food fresh')
  await expect(record).toContainText('On this device')
  await expect(first).toContainText(/This device.*answered/)
  await expect(first).toContainText(/Ready · measured, \d+ runs?/)

  await demo.slide('Connection', '50 kB/s') // Whatever is fetched next is not here at once.
  await demo.button('Forget the model').click()
  await expect(second).toContainText(/This device.*Would have to be fetched: 23\.4 MB/)
  await demo.search('how to keep warm')
  await expect(record).toContainText('At the endpoint')
})

test('each placement has a row in the plot, with its estimate and measured times in words', async ({
  demo,
  services,
}) => {
  const { page, plan } = demo
  await page.goto(services.demoUrl)
  const plots = plan.getByRole('img')
  await expect(plots).toHaveCount(2)
  const estimate = /^Estimate: [\d.]+ (ms|s|min), rarely over [\d.]+ (ms|s|min)/
  for (const plot of await plots.all()) {
    await expect(plot).toHaveAccessibleName(estimate)
    await expect(plot).toHaveAccessibleName(/No request has been answered here yet\.$/)
  }
  await demo.slide('Connection', '50 kB/s') // The endpoint answers for long enough.
  await demo.readSample()
  await expect(plots.first()).toHaveAccessibleName(/The last \d+ requests took .* to .*, the newest [\d.]+ m?s\.$/)
  // 41 passages are six requests, and each is a dot.
  await expect(plots.first().locator('.plot-time')).toHaveCount(5)
  await expect(plots.first().locator('.plot-newest')).toHaveCount(1)
})

test('what is preferred and how soon an answer is wanted change the order, and the plan says why', async ({
  demo,
  services,
}) => {
  const { page, plan } = demo
  const first = plan.getByRole('listitem').first()
  const shifts = demo.record.getByRole('list', { name: 'What has shifted the order' })
  await page.goto(services.demoUrl)
  await expect(first).toContainText('Endpoint')
  await page.getByLabel('Prefer').selectOption('what is cheapest')
  await expect(first).toContainText('This device')
  await expect(shifts).toBeHidden()

  await demo.slide('Answer within', '500 ms')
  await expect(first).toContainText('Endpoint')
  await expect(shifts).toContainText('The policy wants the answer within 500 ms')
  await demo.slide('Answer within', 'no limit')
  await expect(first).toContainText('This device')
  await expect(shifts).toBeHidden()
})

test('an answer that does not come in time is a sentence with advice, and more time helps', async ({
  demo,
  services,
}) => {
  await demo.page.goto(services.demoUrl)
  await demo.choose('Device only')
  await demo.slide('Connection', '50 kB/s')
  await demo.slide('Answer within', '200 ms')
  await demo.button('Use the sample text').click()
  await expect(demo.alert).toContainText('No answer came in time.')
  await expect(demo.alert).toContainText('give it more time')
  await expect(demo.alert).toContainText('DEADLINE_EXCEEDED')

  await demo.slide('Connection', 'no limit')
  await demo.slide('Answer within', 'no limit')
  await expect(demo.page.getByText('41 passages, ready')).toBeVisible()
  await expect(demo.alert).toHaveText([])
})

test('a server that cannot limit the connection gets no slider for it', async ({ demo, services }) => {
  await demo.page.route('**/config.json', (route) =>
    route.fulfill({ contentType: 'application/json', body: JSON.stringify({ endpoint: services.endpointUrl }) }),
  )
  await demo.page.goto(services.demoUrl)
  await expect(demo.page.getByRole('slider', { name: 'Answer within' })).toBeVisible()
  await expect(demo.page.getByRole('slider', { name: 'Connection' })).toBeHidden()
})
