/** Where the browser tells a page its real quota, a model that does not fit is known before its first byte. */
import { chromiumArgs, findChromium } from '../../scripts/lib/chromium.mjs'
import {
  expect,
  expectAnswer,
  list,
  model,
  reasons,
  scarceBytes,
  setQuota,
  start,
  storedChunks,
  test,
} from './support/storage.js'

/** In bytes; what the preflight of a download leaves for others. */
const quotaMarginBytes = 16 * 1024 * 1024

const chromium = findChromium()

// Chromium otherwise tells pages 10 GiB, whatever they really have.
test.use({
  launchOptions: {
    args: [...chromiumArgs, '--disable-features=StaticStorageQuota'],
    ...(chromium === undefined ? {} : { executablePath: chromium }),
  },
})

test('a model larger than the quota runs from memory, says why, and leaves nothing; with room, the next visit stores it', async ({
  visit,
}) => {
  const first = await visit()
  await setQuota(first, scarceBytes)
  await expectAnswer(start(first))
  expect(await reasons(first)).toEqual([
    expect.stringMatching(/needs \d+ more bytes of storage \(the browser has room for/),
  ])
  expect(await list(first)).toEqual([])
  expect(await storedChunks(first)).toBe(0)
  expect(await first.page.evaluate('window.edge.storage()')).toMatchObject({ quotaBytes: scarceBytes, usedBytes: 0 })
  await setQuota(first)
  await first.page.close()

  const next = await visit()
  await expectAnswer(start(next))
  await expect.poll(() => list(next)).toEqual([model])
  expect(await reasons(next)).toEqual([])
})

test('a quota without room for another model: the one that was used least recently makes room', async ({ visit }) => {
  const first = await visit()
  await first.page.evaluate("window.edge.models.download('pp-ocrv4')")
  expect(await list(first)).toEqual(['pp-ocrv4'])
  const { usage = 0 } = await first.page.evaluate(() => navigator.storage.estimate())
  await setQuota(first, usage + quotaMarginBytes + 10_000_000)
  await expectAnswer(start(first))
  await expect.poll(() => list(first)).toEqual([model])
  expect(await reasons(first)).toEqual([`pp-ocrv4: it was used least recently, and made room for ${model}`])
})
