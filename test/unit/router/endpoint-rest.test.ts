/** How long an endpoint that failed rests. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EndpointRests } from '../../../packages/sdk/src/router/index.js'

const endpoint = 'https://endpoint.example/'

/** Rests as long as may be. */
const patient = () => new EndpointRests(() => 1)

/** Fails each time when the rest is over; how long each rest is. */
function restsOf(rests: EndpointRests, failures: number, retryAfterMs?: number): number[] {
  let now = 0
  return Array.from({ length: failures }, () => {
    rests.failed(endpoint, 'REMOTE_FAILED', now, retryAfterMs)
    const restMs = rests.of(endpoint, now)?.remainingMs ?? 0
    now += restMs
    expect(rests.of(endpoint, now)).toBeUndefined()
    return restMs
  })
}

describe('an endpoint', () => {
  it('that has not failed does not rest', () => {
    expect(patient().of(endpoint, 0)).toBeUndefined()
  })

  it('rests twice as long after each failure in a row, half a minute at most', () => {
    expect(restsOf(patient(), 9)).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
  })

  it('rests for at least half of that, whatever the draw', () => {
    expect(restsOf(new EndpointRests(() => 0), 3)).toEqual([250, 500, 1000])
  })

  it('begins anew after a success', () => {
    const rests = patient()
    restsOf(rests, 5)
    rests.succeeded(endpoint)
    rests.failed(endpoint, 'REMOTE_UNREACHABLE', 0)
    expect(rests.of(endpoint, 100)).toEqual({ code: 'REMOTE_UNREACHABLE', remainingMs: 400 })
  })

  it('rests as long as it asks for, a minute at most', () => {
    expect(restsOf(patient(), 1, 7000)).toEqual([7000])
    expect(restsOf(patient(), 1, 3_600_000)).toEqual([60_000])
    expect(restsOf(patient(), 1, 0)).toEqual([500])
  })

  it('counts failures that came while it rested once: they were under way together', () => {
    const rests = patient()
    for (let request = 0; request < 100; request += 1) rests.failed(endpoint, 'REMOTE_OVERLOADED', 0)
    expect(rests.of(endpoint, 0)).toEqual({ code: 'REMOTE_OVERLOADED', remainingMs: 500 })
  })

  it.each(['INVALID_INPUT', 'REMOTE_REJECTED', 'REMOTE_NOT_FOUND', 'DEADLINE_EXCEEDED'] as const)(
    'does not rest for %s, which says nothing of it',
    (code) => {
      const rests = patient()
      rests.failed(endpoint, code, 0)
      expect(rests.of(endpoint, 0)).toBeUndefined()
    },
  )

  it('never rests longer than a minute', () => {
    const failure = fc.tuple(fc.nat(100_000), fc.option(fc.nat(10_000_000), { nil: undefined }))
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.array(failure), (draw, failures) => {
        const rests = new EndpointRests(() => draw)
        let now = 0
        for (const [pauseMs, retryAfterMs] of failures) {
          now += pauseMs
          rests.failed(endpoint, 'REMOTE_FAILED', now, retryAfterMs)
          expect(rests.of(endpoint, now)?.remainingMs).toBeLessThanOrEqual(60_000)
        }
      }),
    )
  })
})
