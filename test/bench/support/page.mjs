/** Opens a benchmark's page in a real Chromium, cross-origin isolated, with the SDK as it is shipped. */
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright'
import sirv from 'sirv'
import { chromiumArgs, findChromium } from '../../../scripts/lib/chromium.mjs'
import { fromRoot } from '../../../scripts/lib/root.mjs'

/**
 * Serves `/sdk/` (dist), `/models/` (also as `/fresh/<anything>/`, an address that no HTTP cache knows) and the
 * benchmark's own scripts, and runs `use` with a page on that server.
 *
 * @template T
 * @param {(page: import('playwright').Page) => Promise<T>} use
 * @returns {Promise<T>}
 */
export async function withPage(use) {
  const server = await serve()
  const executablePath = findChromium()
  const browser = await chromium.launch({ args: chromiumArgs, ...(executablePath && { executablePath }) })
  try {
    const page = await browser.newPage()
    page.on('pageerror', (error) => console.error(error))
    await page.goto(`${server.url}/index.html`)
    return await use(page)
  } finally {
    await browser.close()
    server.close()
  }
}

async function serve() {
  const setHeaders = (/** @type {import('node:http').ServerResponse} */ response) => {
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp')
  }
  const options = { etag: true, maxAge: 3600, setHeaders }
  const scripts = sirv(fileURLToPath(new URL('../pages', import.meta.url)), options)
  const sdk = sirv(fromRoot('packages', 'sdk', 'dist'), options)
  const models = sirv(fromRoot('.models'), options)
  const server = createServer((request, response) => {
    const [, folder = '', rest = ''] = /^\/(sdk|models|fresh\/[^/]+)\/(.*)$/.exec(request.url ?? '') ?? []
    if (folder !== '') request.url = `/${rest}`
    const handler = folder === 'sdk' ? sdk : folder === '' ? scripts : models
    handler(request, response, () => void response.writeHead(404).end())
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  const close = () => {
    server.close()
    server.closeAllConnections()
  }
  return { url: `http://127.0.0.1:${address.port}`, close }
}
