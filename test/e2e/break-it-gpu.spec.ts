/** "Break it" where there is a GPU: WebGPU by the CPU, which the page is told is a real one. */
import { chromiumArgs, findChromium, softwareWebGpuArgs } from '../../scripts/lib/chromium.mjs'
import { expect, test } from './support/fixtures.js'

const chromium = findChromium()

test.use({
  launchOptions: {
    args: [...chromiumArgs, ...softwareWebGpuArgs],
    ...(chromium === undefined ? {} : { executablePath: chromium }),
  },
})

test('a GPU that is lost costs no answer', async ({ demo, services }) => {
  const { page } = demo
  await page.addInitScript(() => {
    Object.defineProperties(GPUAdapterInfo.prototype, {
      architecture: { get: () => 'real' },
      isFallbackAdapter: { get: () => false },
    })
  })
  await page.goto(`${services.demoUrl}/#break`)
  const log = page.getByRole('list', { name: 'What happened' })
  await demo.button('Start asking').click()
  await expect(log).toContainText('The model is ready on this device')
  await demo.button('Lose the GPU').click()
  await expect(log).toContainText('You took the GPU away.')
  await expect(log).toContainText('The GPU is gone; whoever needs it gets a fresh one.')
  await expect(log).toContainText(/requests? failed on this device \(GPU_LOST\)/)
  await expect(page.getByText(/^Nothing was lost: (\d+) of \1 answered/)).toBeVisible()
})
