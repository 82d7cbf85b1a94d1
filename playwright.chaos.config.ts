/** The chaos tests: a real Chromium, with and without (software) WebGPU; each row of docs/failures.md is one test. */
import { defineConfig } from '@playwright/test'
import { chromiumArgs, findChromium, softwareWebGpuArgs } from './scripts/lib/chromium.mjs'

const chromium = findChromium()
const launch = (args: readonly string[]) => ({
  launchOptions: {
    args: [...chromiumArgs, ...args],
    ...(chromium === undefined ? {} : { executablePath: chromium }),
  },
})

/** So that pages are told the quota that they really have, instead of 10 GiB. */
const honestQuota = '--disable-features=StaticStorageQuota'

export default defineConfig({
  testDir: 'test/chaos',
  outputDir: 'test-results/chaos',
  workers: 1,
  timeout: 90_000,
  forbidOnly: process.env['CI'] !== undefined,
  // The file that the JSON report goes to is named by PLAYWRIGHT_JSON_OUTPUT_FILE.
  reporter: process.env['PLAYWRIGHT_JSON_OUTPUT_FILE'] === undefined ? 'list' : [['list'], ['json']],
  projects: [
    {
      name: 'chaos',
      testMatch: '*.chaos.ts',
      testIgnore: '*gpu.chaos.ts',
      use: launch(['--disable-gpu', honestQuota]),
    },
    { name: 'chaos-webgpu', testMatch: '*gpu.chaos.ts', use: launch(softwareWebGpuArgs) },
  ],
})
