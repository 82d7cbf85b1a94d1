/** Test projects: `unit` runs in Node; `browser` and `browser-webgpu` run in a real Chromium. */
import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'

const chromium = process.env['EDGEWARD_CHROMIUM'] ?? '/usr/bin/chromium'
const quietChromium = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
const softwareWebGpu = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader']

const browserProject = (name: string, include: string[], args: string[]) => ({
  server: {
    headers: { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' },
  },
  test: {
    name,
    include,
    testTimeout: 60_000,
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({ launchOptions: { executablePath: chromium, args: [...quietChromium, ...args] } }),
      instances: [{ browser: 'chromium' as const }],
    },
  },
})

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 30_000 } },
      browserProject('browser', ['test/browser/**/*.test.ts'], ['--disable-gpu']),
      browserProject('browser-webgpu', ['test/browser-webgpu/**/*.test.ts'], softwareWebGpu),
    ],
  },
})
