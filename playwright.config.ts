/** End-to-end tests: the built pages in a real Chromium; the tests start the servers that they need. */
import { defineConfig } from '@playwright/test'
import { chromiumArgs, findChromium } from './scripts/lib/chromium.mjs'

const chromium = findChromium()

export default defineConfig({
  testDir: 'test/e2e',
  outputDir: 'test-results',
  workers: 1,
  timeout: 120_000,
  forbidOnly: process.env['CI'] !== undefined,
  // The file that the JSON report goes to is named by PLAYWRIGHT_JSON_OUTPUT_FILE.
  reporter: process.env['PLAYWRIGHT_JSON_OUTPUT_FILE'] === undefined ? 'list' : [['list'], ['json']],
  use: {
    browserName: 'chromium',
    launchOptions: { args: chromiumArgs, ...(chromium === undefined ? {} : { executablePath: chromium }) },
  },
})
