/** Where answers come from: the device, the endpoint, or the one that is left. */
import { expect, test, watchWeights } from './support/fixtures.js'

test('the endpoint answers alone when the page may not run WebAssembly, and the plan says so', async ({
  demo,
  inFront,
}) => {
  const ranges = watchWeights(demo.page)
  // Scripts run under this policy, and WebAssembly does not.
  await demo.page.goto(await inFront({ pageHeaders: { 'content-security-policy': "script-src 'self'" } }))
  await demo.readSample()
  await demo.search('my landlord has not paid me back')
  await expect(demo.passages.first()).toContainText('the deposit must be returned')
  await expect(demo.record).toContainText('At the endpoint')
  await expect(demo.plan).toContainText("WebAssembly is missing, or a Content-Security-Policy lacks 'wasm-unsafe-eval'")
  expect(ranges.filter((range) => range.includes('.onnx'))).toEqual([])
})

test('remote only asks the endpoint, device only keeps everything here', async ({ demo, services }) => {
  const asked: string[] = []
  demo.page.on('request', (request) => {
    if (request.url().startsWith(services.endpointUrl)) asked.push(request.url())
  })
  await demo.page.goto(services.demoUrl)
  await demo.choose('Device only')
  await demo.readSample()
  await expect(demo.record).toContainText('On this device')
  await expect(demo.plan).toContainText('local-only')
  expect(asked).toEqual([])
  await demo.search('keeping food fresh')
  await demo.choose('Remote only')
  await expect(demo.record).toContainText('At the endpoint')
  await expect(demo.plan).toContainText('device: false')
  expect(asked).not.toEqual([])
})

test('the device answers alone when the endpoint is down; remote only says what to do', async ({ demo, services }) => {
  await demo.page.goto(services.deadEndpointDemoUrl)
  await demo.readSample()
  await expect(demo.record).toContainText('On this device')
  await demo.search('sweet food that lasts for ever')
  await expect(demo.passages.first()).toContainText('Honey')

  await demo.choose('Remote only')
  await expect(demo.alert).toContainText('The endpoint does not answer.')
  await expect(demo.alert).toContainText('switch to Automatic')
  await expect(demo.alert).toContainText('REMOTE_UNREACHABLE')
  await expect(demo.alert).not.toContainText(/\bat .*:\d+:\d+/)
  await expect(demo.record).toContainText('No answer')
  await expect(demo.record).toContainText('Tried without success')

  await demo.choose('Automatic')
  await expect(demo.record).toContainText('On this device')
  await expect(demo.alert).toHaveText([])
})

test('a page without an endpoint works with the device and says so', async ({ demo, services }) => {
  await demo.page.goto(services.noEndpointDemoUrl)
  await expect(demo.record).toContainText('This page has no endpoint')
  await expect(demo.page.getByRole('radio', { name: 'Remote only' })).toBeDisabled()
  await demo.readSample()
  await expect(demo.record).toContainText('On this device')
})

test('an answer that fell back shows what was tried before', async ({ demo, services }) => {
  await demo.page.route('**/model_q8.onnx', (route) => route.fulfill({ status: 500 }))
  await demo.page.goto(services.demoUrl)
  // So that the device is asked first, although the model has to be fetched.
  await demo.page.getByLabel('Prefer').selectOption('what is cheapest')
  await demo.readSample()
  await expect(demo.record).toContainText('At the endpoint')
  await expect(demo.record).toContainText('Tried without success')
  await expect(demo.record).toContainText('DOWNLOAD_FAILED')
})
