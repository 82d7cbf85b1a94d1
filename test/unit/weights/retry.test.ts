/** What is asked again after a failure, and when. */
import { describe, expect, test } from 'vitest'
import { EdgewardError } from '../../../packages/sdk/src/errors/index.js'
import { retryAfterMs } from '../../../packages/sdk/src/weights/retry-after.js'
import { pause, retryDelayMs, type DownloadProblem } from '../../../packages/sdk/src/weights/retry.js'

const settings = { maxTries: 4, retryBaseMs: 100, retryMaxMs: 250, maxRetryAfterMs: 5_000 }
const failure = (problem: DownloadProblem, details = {}) =>
  new EdgewardError('DOWNLOAD_FAILED', 'failed', { details: { problem, ...details } })
const longest = () => 1

describe('retryDelayMs', () => {
  test.each<[DownloadProblem, boolean]>([
    ['network', true],
    ['stalled', true],
    ['short', true],
    ['busy', true],
    ['changed', true],
    ['refused', false],
    ['wrong-answer', false],
    ['wrong-bytes', false],
  ])('for "%s" asks again: %s', (problem, isAsked) => {
    expect(retryDelayMs(failure(problem), 1, settings, longest) !== undefined).toBe(isAsked)
  })

  test('doubles the longest wait with every failure, up to a bound, and then gives up', () => {
    const waits = [1, 2, 3, 4].map((tries) => retryDelayMs(failure('network'), tries, settings, longest))
    expect(waits).toEqual([100, 200, 250, undefined])
  })

  test('waits anything between nothing and that', () => {
    expect(retryDelayMs(failure('network'), 2, settings, () => 0)).toBe(0)
    expect(retryDelayMs(failure('network'), 2, settings, () => 0.25)).toBe(50)
  })

  test('comes no earlier than the server asked for, and not at all when that is too late', () => {
    expect(retryDelayMs(failure('busy', { retryAfterMs: 5_000 }), 1, settings, () => 0)).toBe(5_000)
    expect(retryDelayMs(failure('busy', { retryAfterMs: 5_001 }), 1, settings, () => 0)).toBeUndefined()
  })
})

describe('retryAfterMs', () => {
  const now = Date.parse('Wed, 21 Oct 2015 07:28:00 GMT')
  test.each<[string | null, number | undefined]>([
    ['0', 0],
    [' 120 ', 120_000],
    ['Wed, 21 Oct 2015 07:28:30 GMT', 30_000],
    ['Wed, 21 Oct 2015 07:27:00 GMT', 0],
    [null, undefined],
    ['', undefined],
    ['-1', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    ['Soon, 5', undefined],
  ])('reads %j as %j', (header, wait) => {
    expect(retryAfterMs(new Headers(header === null ? {} : { 'Retry-After': header }), now)).toBe(wait)
  })

  test.each([
    ['Wed, 21 Oct 2015 07:28:30 GMT', 30_000],
    ['Wed, 21 Oct 2015 07:27:00 GMT', 0],
    ['7', 7_000],
  ])('takes %j by the clock of the server, not of the device, where it tells it', (header, wait) => {
    const headers = new Headers({ 'Retry-After': header, Date: 'Wed, 21 Oct 2015 07:28:00 GMT' })
    expect(retryAfterMs(headers, now - 3_600_000)).toBe(wait)
  })
})

describe('pause', () => {
  test('ends at once with the reason of an abort', async () => {
    const controller = new AbortController()
    const pausing = pause(3_600_000, controller.signal)
    const reason = new Error('no longer wanted')
    controller.abort(reason)
    await expect(pausing).rejects.toBe(reason)
  })
})
