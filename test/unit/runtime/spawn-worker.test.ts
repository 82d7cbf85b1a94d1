import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { spawnWorker } from '../../../packages/sdk/src/runtime/spawn-worker.js'

const started: string[] = []

beforeEach(() => {
  started.length = 0
  vi.useFakeTimers()
  vi.stubGlobal('location', new URL('https://app.example/page'))
  vi.stubGlobal('document', { baseURI: 'https://app.example/page' })
  const Worker = function (url: URL | string) {
    started.push(String(url))
  }
  vi.stubGlobal('Worker', Worker)
})

afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

test("starts the bundler's worker when the script is of the page's origin", () => {
  spawnWorker(undefined, 'https://app.example/assets/index.js')
  expect(started).toEqual([expect.stringMatching(/^file:.*\/worker\.js$/)])
})

test("starts the bundler's worker when the bundler wrote an address of the build machine, as webpack does", () => {
  spawnWorker(undefined, 'file:///home/build/node_modules/edgeward/dist/index.js')
  expect(started).toEqual([expect.stringMatching(/^file:.*\/worker\.js$/)])
})

test('bridges to a worker of another origin, which a page may not start by itself', () => {
  spawnWorker(undefined, 'https://cdn.example/edgeward/edgeward.js')
  expect(started).toEqual([expect.stringMatching(/^blob:/)])
})

test('starts the worker that the caller names, relative to the page', () => {
  spawnWorker('/static/worker.js')
  expect(started).toEqual(['https://app.example/static/worker.js'])
})
