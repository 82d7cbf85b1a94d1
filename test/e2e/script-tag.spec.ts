/** The script-tag build: the example page, the same numbers as the endpoint's, and a script from another origin. */
import type { Page } from '@playwright/test'
import type * as EdgewardModule from 'edgeward'
import { expect, test } from './support/fixtures.js'

/** The global of the script-tag build, in the page. */
declare const Edgeward: typeof EdgewardModule

const texts = ['Bread rises overnight.', 'The dough grew while we slept.', '', 'Ünïcödé, 漢字 and 🙂: all of it.']

test('the script-tag page compares two sentences and says where', async ({ page, services }) => {
  await page.goto(`${services.demoUrl}/script-tag.html`)
  await page.getByLabel('One sentence').fill('The cat is asleep.')
  await page.getByLabel('Another sentence').fill('The cat is sleeping.')
  const compare = page.getByRole('button', { name: 'Compare' })
  await compare.click()
  const answer = page.getByRole('status')
  await expect(answer).toContainText('Yes, nearly the same.')
  await expect(answer).toContainText(`computed at the endpoint ${services.endpointUrl}`)
  await expect(async () => {
    await compare.click()
    await expect(answer).toContainText(/computed on this device \(wasm, q8\)/, { timeout: 2_000 })
  }).toPass({ timeout: 45_000 })
  await expect(answer).toContainText('Yes, nearly the same.')
  await expect(answer).toContainText(/inference \d.*in all \d/)
  await page.getByLabel('Another sentence').fill('Shares fell sharply on Monday.')
  await page.getByRole('button', { name: 'Compare' }).click()
  await expect(answer).toContainText('No, not at all.')
})

test('the device and the endpoint give the same vectors', async ({ page, services }) => {
  await page.goto(`${services.demoUrl}/script-tag.html`)
  const device = await embed(page, { endpoint: undefined })
  const remote = await embed(page, { endpoint: services.endpointUrl })
  expect(device.placement).toEqual({ engine: 'device', backend: 'wasm', variant: 'q8' })
  expect(remote.placement).toMatchObject({ engine: 'remote' })
  const cosines = device.vectors.map((vector, index) => dot(vector, remote.vectors[index] ?? []))
  expect(cosines).toHaveLength(texts.length)
  for (const cosine of cosines) expect(cosine).toBeGreaterThanOrEqual(0.999)
})

test('a script tag of another origin starts its worker and answers on the device', async ({
  page,
  elsewhereUrl,
  inFront,
}) => {
  const html = `<!doctype html><title>Another origin</title><script src="${elsewhereUrl}/edgeward.js"></script>`
  await page.goto(await inFront({ page: html }))
  const { placement, vectors } = await embed(page, { endpoint: undefined })
  expect(placement).toEqual({ engine: 'device', backend: 'wasm', variant: 'q8' })
  expect(dot(vectors[0] ?? [], vectors[0] ?? [])).toBeCloseTo(1, 3)
})

/** Embeds the texts on the page, at the endpoint if there is one, else on the device. */
function embed(page: Page, { endpoint }: { endpoint: string | undefined }) {
  return page.evaluate(
    async ({ texts, endpoint }) => {
      const remote =
        endpoint === undefined ? {} : { remote: { protocol: 'oip', url: endpoint } as const, device: false }
      const edge = Edgeward.createClient(remote)
      const { output, placement } = await edge.pipeline('feature-extraction', 'all-minilm-l6-v2')(texts)
      await edge.dispose()
      return { vectors: output.map((vector) => [...vector]), placement }
    },
    { texts, endpoint },
  )
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? NaN), 0)
}
