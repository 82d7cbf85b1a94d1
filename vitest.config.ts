/** Test projects: `unit`, `interop` and `package` run in Node; `browser` and `browser-webgpu` in a real Chromium. */
import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'
import { shippedFiles } from './test/browser/support/shipped-files.js'
import { xgrammarModule } from './packages/sdk/xgrammar-module.mjs'
import { chromiumArgs, findChromium, softwareWebGpuArgs } from './scripts/lib/chromium.mjs'

const chromium = findChromium()

const browserProject = (name: string, include: string[], args: string[]) => ({
  plugins: [shippedFiles()],
  server: {
    headers: { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' },
  },
  test: {
    name,
    include,
    testTimeout: 60_000,
    setupFiles: ['test/browser/support/forget-rests.ts'],
    globalSetup: [
      'start-file-server.ts',
      'start-endpoint.ts',
      'start-choosy-endpoint.ts',
      'start-watched-endpoint.ts',
      'start-odd-servers.ts',
      'provide-snippets.ts',
    ].map((file) => `test/browser/support/${file}`),
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({
        launchOptions: {
          args: [...chromiumArgs, ...args],
          ...(chromium === undefined ? {} : { executablePath: chromium }),
        },
      }),
      instances: [{ browser: 'chromium' as const }],
    },
  },
})

export default defineConfig({
  test: {
    projects: [
      {
        plugins: [xgrammarModule()],
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          testTimeout: 30_000,
          server: { deps: { inline: ['@mlc-ai/web-xgrammar'] } },
        },
      },
      {
        // Clients and servers that are not ours, installed by the tests themselves.
        test: { name: 'interop', include: ['test/interop/**/*.test.ts'], testTimeout: 180_000, hookTimeout: 600_000 },
      },
      {
        // Attacks on the endpoint's real process; one file at a time, since they measure.
        test: {
          name: 'endpoint-chaos',
          include: ['test/chaos-endpoint/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
        },
      },
      {
        // Text generation with a real model; one file at a time, since each needs the whole machine.
        test: {
          name: 'generation',
          include: ['test/generation/*.test.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: { name: 'package', include: ['test/package/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 120_000 },
      },
      {
        // Browsers of other makers, where they are installed.
        test: { name: 'engines', include: ['test/engines/**/*.test.ts'], testTimeout: 180_000, hookTimeout: 60_000 },
      },
      browserProject('browser', ['test/browser/**/*.test.ts'], ['--disable-gpu']),
      browserProject('browser-webgpu', ['test/browser-webgpu/**/*.test.ts'], softwareWebGpuArgs),
    ],
  },
})
