/** "Chat": answers that are written on the device, at the endpoint, or begun at one and ended at the other. */
import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from '@playwright/test'
import { answerWith, expect, test, uncut } from './support/chat.js'

test('an answer streams on the device, and its numbers are told', async ({ chat }) => {
  await chat.choose('Device only')
  await chat.send('Say the alphabet.')
  await expect(chat.text).toHaveText(uncut)
  await expect(chat.writtenBy('device')).toHaveText([uncut])
  await expect(chat.numbers).toHaveText(/^[\d.]+ tokens\/s · first token after .+ · 512 tokens · cut off: long enough$/)
  await expect(chat.log).toHaveText(/This device writes\./)
  await expect(chat.record).toContainText('On this device')
  await expect(chat.record).toContainText('Chat · CPU')
})

test('nothing of the model is fetched before the first message', async ({ chat }) => {
  const weights: string[] = []
  chat.page.on('request', (request) => {
    if (request.url().endsWith('.gguf')) weights.push(request.url())
  })
  await chat.page.reload()
  await expect(chat.plan.getByRole('listitem').first()).toBeVisible()
  expect(weights).toEqual([])
  await chat.send('Say the alphabet.')
  await expect.poll(() => weights.length).toBeGreaterThan(0)
})

test('an answer whose worker is killed in its middle goes on without a seam, and says so', async ({ chat }) => {
  await chat.makeReady()
  await chat.pressInNextAnswer('Kill the worker')
  await chat.send('Once more.')
  await expect(chat.text).toHaveText(uncut)
  await expect(chat.writtenBy('device')).toHaveCount(1)
  await expect(chat.writtenBy('remote')).toHaveCount(1)
  await expect(chat.log).toContainText('You killed the worker.')
  await expect(chat.log).toContainText(/The endpoint goes on: .+ failed with WORKER_DIED\./)
  await expect(chat.numbers).toContainText('512 tokens')
})

test('an answer begins at the endpoint while the model is on its way, and comes home', async ({ chat }) => {
  const { page } = chat
  // The endpoint's words trickle; the model does not, being fetched by somebody whom nobody slows down.
  await page.evaluate(() => fetch('/connection?bytesPerSecond=10000', { method: 'POST' }))
  await page.route('**/*.gguf', async (route) => {
    await expect(chat.text).toContainText('abcdefgh')
    await route.fulfill({ response: await route.fetch({ headers: { ...route.request().headers(), cookie: '' } }) })
  })
  await chat.send('Say the alphabet.')
  await expect(chat.log).toContainText('The endpoint writes.')
  await expect(chat.log).toContainText('This device goes on: The model is ready on this device (wasm')
  await expect(chat.text).toHaveText(uncut)
  await expect(chat.writtenBy('remote')).toHaveCount(1)
  await expect(chat.writtenBy('device')).toHaveCount(1)
})

test('an answer whose endpoint is taken down in its middle goes on on the device', async ({ chat }) => {
  await chat.makeReady()
  await chat.page.getByLabel('Prefer').selectOption('the endpoint')
  await chat.pressInNextAnswer('Take the endpoint down')
  await chat.send('Once more.')
  await expect(chat.text).toHaveText(uncut)
  await expect(chat.log).toContainText(/This device goes on: the endpoint failed with REMOTE_/)
  await expect.poll(() => endpointStatus(chat.page)).toBe(200)
})

test('after a stop and after an edit, the prompt is not read again', async ({ chat }) => {
  await chat.makeReady()
  await chat.choose('Device only')
  await chat.pressInNextAnswer('Stop')
  await chat.send('Now I say something that is a little longer.')
  await expect(chat.numbers).toHaveText(/stopped$/)
  await expect(chat.button('Send')).toBeVisible()
  await chat.button('Regenerate').click()
  await expect(chat.numbers).toHaveText(/(\d{3}) of \d{3} prompt tokens were already there/)
  await expect(chat.text).toHaveText(uncut)

  await chat.page.getByRole('button', { name: 'Edit' }).last().click()
  await chat.page.getByRole('textbox', { name: 'Your message' }).first().fill('Now I say something else.')
  await chat.button('Send again').click()
  await expect(chat.numbers).toHaveText(/(\d{3}) of \d{3} prompt tokens were already there/)
  await expect(chat.page.locator('.question-text')).toHaveText(['Say the alphabet.', 'Now I say something else.'])
  await expect(chat.text).toHaveText(uncut)
})

test('Markdown is shown; scripts, handlers, images and strange addresses in it are text', async ({ chat }) => {
  const { page } = chat
  const asked: string[] = []
  page.on('request', (request) => asked.push(request.url()))
  await answerWith(page, hostile)
  await chat.choose('Remote only')
  await chat.send('Be hostile.')
  await expect(chat.text.getByRole('heading')).toHaveText('Title')
  await expect(chat.text.locator('strong')).toHaveText('bold')
  await expect(chat.text.locator('pre code')).toHaveText('<b>code</b>')
  await expect(chat.text.getByRole('link')).toHaveText('good')
  await expect(chat.text).toContainText('<script>window.isPwned = true</script>')
  await expect(chat.text).toContainText('<img src=x onerror="window.isPwned = true">')
  expect(await chat.text.locator('script, img, iframe, svg, style, [onerror], [onclick]').count()).toBe(0)
  expect(await page.evaluate(() => 'isPwned' in window)).toBe(false)
  expect(asked.filter((url) => url.includes('evil.example'))).toEqual([])
})

for (const colorScheme of ['light', 'dark'] as const) {
  test(`no accessibility violation and no sideways scroll in any state, ${colorScheme}`, async ({ chat }) => {
    const { page } = chat
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    await expectQuality(page, 'empty')
    await answerWith(page, hostile)
    await chat.choose('Remote only')
    await chat.send('Be hostile.')
    await expect(chat.text.getByRole('heading')).toBeVisible()
    await page.getByText('How it answers').click()
    await chat.button('Edit').click()
    await expectQuality(page, 'answered')
    await page.setViewportSize({ width: 360, height: 740 })
    await expectQuality(page, 'narrow')
  })
}

const hostile = `# Title

A **bold** word, a [good](https://good.example/) link and a [bad](javascript:window.isPwned=true) one.

<script>window.isPwned = true</script>

<img src=x onerror="window.isPwned = true"> <svg onload="window.isPwned = true">

![A picture](https://evil.example/picture.png)

\`\`\`
<b>code</b>
\`\`\`

${'aWordWithoutEnd'.repeat(12)}
`

/** Over the line that the page takes; 0: it is cut. */
function endpointStatus(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const visitor = localStorage.getItem('edgeward-demo-visitor')
    const answer = await fetch(`/endpoint/${visitor}/v2/health/ready`).catch(() => undefined)
    return answer?.status ?? 0
  })
}

async function expectQuality(page: Page, state: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze()
  const found = violations.map(({ id, nodes }) => `${state}: ${id} at ${nodes.map(({ html }) => html).join(' | ')}`)
  expect(found).toEqual([])
  const { scrollWidth, clientWidth } = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement
    return { scrollWidth, clientWidth }
  })
  expect({ state, scrollWidth }).toEqual({ state, scrollWidth: clientWidth })
}
