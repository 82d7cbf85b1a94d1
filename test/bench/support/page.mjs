/** Opens a benchmark's page in a real Chromium. */
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { chromium } from 'playwright'
import { chromiumArgs, findChromium } from '../../../scripts/lib/chromium.mjs'
import { startServer } from './server.mjs'

/**
 * Runs `use` with a page of a browser of its own, on a server of its own.
 *
 * @template T
 * @param {(page: import('playwright').Page) => Promise<T>} use
 * @param {Readonly<Record<string, string>>} [peerFolders]
 * @returns {Promise<T>}
 */
export async function withPage(use, peerFolders) {
  const server = await startServer(peerFolders)
  try {
    return await withProfile((profile) => withBrowser(profile, server.url, use))
  } finally {
    server.close()
  }
}

/**
 * Runs `use` with a fresh profile, which browsers started one after the other can share.
 *
 * @template T
 * @param {(profile: string) => Promise<T>} use
 * @returns {Promise<T>}
 */
export async function withProfile(use) {
  const profile = await mkdtemp(path.join(os.tmpdir(), 'edgeward-bench-'))
  try {
    return await use(profile)
  } finally {
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  }
}

/**
 * Starts a browser on a profile, runs `use` with the benchmark's page, and closes the browser.
 *
 * @template T
 * @param {string} profile
 * @param {string} url the server's
 * @param {(page: import('playwright').Page) => Promise<T>} use
 * @returns {Promise<T>}
 */
async function withBrowser(profile, url, use) {
  const executablePath = findChromium()
  const context = await chromium.launchPersistentContext(profile, {
    args: chromiumArgs,
    ...(executablePath && { executablePath }),
  })
  try {
    const [page = await context.newPage()] = context.pages()
    page.on('pageerror', (error) => console.error(error))
    await page.goto(`${url}/index.html`)
    return await use(page)
  } finally {
    await context.close()
  }
}
