/** Which address is asked next, and which is asked no more. */
import { describe, expect, test } from 'vitest'
import { EdgewardError } from '../../../packages/sdk/src/errors/index.js'
import { Mirrors, Route, type Mirror, type RuledOutMirrors } from '../../../packages/sdk/src/weights/mirrors.js'
import type { DownloadProblem } from '../../../packages/sdk/src/weights/retry.js'

const urls = ['https://a.example/m/x.onnx', 'https://b.example/m/x.onnx', 'https://c.example/m/x.onnx'] as const
const failure = (problem: DownloadProblem) =>
  new EdgewardError(problem === 'wrong-bytes' ? 'INTEGRITY' : 'DOWNLOAD_FAILED', problem, { details: { problem } })
const usable = (mirrors: Mirrors) => mirrors.usable.map(({ url }) => url)

/** Mirrors of one file, of which some are ruled out one after the other. */
function ruleOut(lasting: RuledOutMirrors, addresses: readonly string[], problems: readonly DownloadProblem[]) {
  const mirrors = new Mirrors(addresses, 'x.onnx', lasting)
  problems.forEach((problem, index) => mirrors.ruleOut(mirrors.all[index]!, failure(problem)))
  return mirrors
}

describe('an address that served wrong bytes', () => {
  test('is asked no more, by this download and by the next ones', () => {
    const lasting: RuledOutMirrors = new Map()
    expect(usable(ruleOut(lasting, urls, ['wrong-bytes']))).toEqual(urls.slice(1))
    expect(usable(new Mirrors(urls, 'x.onnx', lasting))).toEqual(urls.slice(1))
  })

  test('is asked again by the next download when all others did, too: the model may just have been replaced', () => {
    const lasting: RuledOutMirrors = new Map()
    expect(usable(ruleOut(lasting, urls, ['wrong-bytes', 'wrong-bytes', 'wrong-bytes']))).toEqual([])
    expect(usable(new Mirrors(urls, 'x.onnx', lasting))).toEqual(urls)
  })

  test('stays ruled out when the others only failed', () => {
    const lasting: RuledOutMirrors = new Map()
    ruleOut(lasting, urls, ['refused', 'wrong-bytes', 'refused'])
    expect(usable(new Mirrors(urls, 'x.onnx', lasting))).toEqual([urls[0], urls[2]])
  })

  test.each([[[urls[0]]], [[urls[0], urls[0]]]])(
    'is asked again by the next download when it is the only one: %j',
    (only) => {
      const lasting: RuledOutMirrors = new Map()
      expect(usable(ruleOut(lasting, only, ['wrong-bytes']))).toEqual([])
      expect(usable(new Mirrors(only, 'x.onnx', lasting))).toEqual([urls[0]])
    },
  )
})

describe('a chunk', () => {
  const next = (route: Route, mirrors: Mirrors, now = 0) => {
    const { mirror, delayMs } = route.next(mirrors, now) ?? {}
    return { url: mirror?.url, delayMs }
  }

  test('goes to the first address that may be asked at once, else to the one that may be asked first', () => {
    const mirrors = new Mirrors(urls, 'x.onnx', new Map())
    const route = new Route()
    const [a, b, c] = mirrors.all as [Mirror, Mirror, Mirror]
    expect(next(route, mirrors)).toEqual({ url: a.url, delayMs: 0 })
    route.failed(a, failure('network'), 30)
    expect(next(route, mirrors)).toEqual({ url: b.url, delayMs: 0 })
    route.failed(b, failure('network'), 20)
    c.readyAt = 50 // It was busy for another chunk.
    expect(next(route, mirrors)).toEqual({ url: b.url, delayMs: 20 })
    expect(next(route, mirrors, 35)).toEqual({ url: a.url, delayMs: 0 })
    for (const mirror of [a, b, c]) route.failed(mirror, failure('refused'), Infinity)
    expect(route.next(mirrors, 100)).toBeUndefined()
  })
})
