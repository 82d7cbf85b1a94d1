/** How long an endpoint that failed rests, and how it is seen to answer again. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Breaker, type BreakerState } from '../../../packages/sdk/src/router/breaker.js'

const start = Date.UTC(2026, 0, 1)
const down = { code: 'REMOTE_UNREACHABLE' } as const

/** Rests as long as may be. */
const patient = (stored?: unknown) => new Breaker(() => 1, stored)

const left = (state: BreakerState, now: number): number => (state.is === 'open' ? state.until - now : 0)

/** Fails each time when the rest is over; how long each rest is. */
function restsOf(breaker: Breaker, failures: number, retryAfterMs?: number): number[] {
  let now = start
  return Array.from({ length: failures }, () => {
    breaker.failed({ code: 'REMOTE_FAILED', retryAfterMs }, now)
    const restMs = left(breaker.at(now), now)
    now += restMs
    expect(breaker.at(now).is).toBe('half-open')
    return restMs
  })
}

describe('an endpoint', () => {
  it('that has not failed does not rest', () => {
    expect(patient().at(start)).toEqual({ is: 'closed', failures: 0 })
  })

  it('rests twice as long after each failure in a row, half a minute at most', () => {
    expect(restsOf(patient(), 9)).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
  })

  it('rests for at least half of that, whatever the draw', () => {
    expect(restsOf(new Breaker(() => 0), 3)).toEqual([250, 500, 1000])
  })

  it('rests as long as it asks for, a minute at most', () => {
    expect(restsOf(patient(), 1, 7000)).toEqual([7000])
    expect(restsOf(patient(), 1, 3_600_000)).toEqual([60_000])
    expect(restsOf(patient(), 1, 0)).toEqual([500])
  })

  it('begins anew after it has answered a request', () => {
    const breaker = patient()
    restsOf(breaker, 5)
    expect(breaker.succeeded('request')).toBe(true)
    expect(restsOf(breaker, 1)).toEqual([500])
  })

  it('that is ready, but fails the next request again, rests longer than before', () => {
    const breaker = patient()
    restsOf(breaker, 2)
    expect(breaker.succeeded('check')).toBe(true)
    expect(breaker.at(start).is).toBe('closed')
    expect(restsOf(breaker, 1)).toEqual([2000])
  })

  it('counts failures that came while it rested once: they were under way together', () => {
    const breaker = patient()
    const opened = Array.from({ length: 100 }, () => breaker.failed(down, start))
    expect(opened.filter(Boolean)).toHaveLength(1)
    expect(left(breaker.at(start), start)).toBe(500)
  })

  it.each(['INVALID_INPUT', 'REMOTE_REJECTED', 'REMOTE_NOT_FOUND', 'REMOTE_MALFORMED', 'DEADLINE_EXCEEDED'] as const)(
    'does not rest for %s, which says nothing of it',
    (code) => {
      const breaker = patient()
      expect(breaker.failed({ code }, start)).toBe(false)
      expect(breaker.at(start).is).toBe('closed')
    },
  )

  it('is forgotten to have failed minutes after its rest is over', () => {
    const breaker = patient()
    restsOf(breaker, 4)
    expect(breaker.at(start + 200_000).is).toBe('half-open')
    expect(breaker.at(start + 3_600_000)).toEqual({ is: 'closed', failures: 0 })
  })

  it('may be asked at once when what it failed for lies behind, and not when it failed for something else', () => {
    const breaker = patient()
    restsOf(breaker, 5)
    breaker.failed(down, start + 100_000)
    expect(breaker.forgive('REMOTE_OVERLOADED')).toBe(false)
    expect(breaker.forgive('REMOTE_UNREACHABLE')).toBe(true)
    expect(breaker.at(start + 100_001)).toMatchObject({ is: 'half-open', failures: 0 })
  })
})

describe('what is written down', () => {
  it('goes on after a reload as if there had been none', () => {
    const breaker = patient()
    restsOf(breaker, 3)
    breaker.failed(down, start + 10_000)
    const again = patient(JSON.parse(JSON.stringify(breaker)))
    for (const ms of [10_000, 13_999, 14_000, 1_000_000]) expect(again.at(start + ms)).toEqual(breaker.at(start + ms))
  })

  it('is nothing for an endpoint that answers', () => {
    const breaker = patient()
    breaker.failed(down, start)
    breaker.succeeded('request')
    expect(breaker.toJSON()).toBeUndefined()
  })

  const good = { is: 'open', code: 'REMOTE_FAILED', failures: 2, since: start, until: start + 1000 }

  it.each<[string, unknown]>([
    ['a text', 'open'],
    ['null', null],
    ['an unknown state', { ...good, is: 'ajar' }],
    ['an unknown code', { ...good, code: 'EVIL' }],
    ['a code that says nothing of an endpoint', { ...good, code: 'INVALID_INPUT' }],
    ['a negative number of failures', { ...good, failures: -1 }],
    ['a time that is none', { ...good, until: '2099' }],
    ['an end before its beginning', { ...good, until: start - 1 }],
    ['a rest of a year', { ...good, until: start + 31_536_000_000 }],
  ])('is ignored when it is %s', (_, stored) => {
    expect(patient(stored).at(start)).toEqual({ is: 'closed', failures: 0 })
    expect(patient(good).at(start).is).toBe('open')
  })

  it('by a clock that was wrong locks no endpoint out: before its own beginning a rest is over', () => {
    const future = { ...good, since: start + 31_536_000_000, until: start + 31_536_001_000 }
    expect(patient(future).at(start).is).toBe('half-open')
  })

  it('never makes an endpoint rest for more than five minutes, whatever it is', () => {
    const stored = fc.record({
      is: fc.constantFrom('open', 'closed'),
      code: fc.constantFrom('REMOTE_FAILED', 'x'),
      failures: fc.oneof(fc.nat(), fc.double()),
      since: fc.oneof(fc.nat(), fc.double()),
      until: fc.oneof(fc.nat(), fc.double()),
    })
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), stored), fc.nat(), (value, now) => {
        expect(left(patient(value).at(now), now)).toBeLessThanOrEqual(300_000)
      }),
    )
  })
})

it('never rests longer than a minute', () => {
  const failure = fc.tuple(fc.nat(100_000), fc.option(fc.nat(10_000_000), { nil: undefined }))
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.array(failure), (draw, failures) => {
      const breaker = new Breaker(() => draw)
      let now = start
      for (const [pauseMs, retryAfterMs] of failures) {
        now += pauseMs
        breaker.failed({ code: 'REMOTE_FAILED', retryAfterMs }, now)
        expect(left(breaker.at(now), now)).toBeLessThanOrEqual(60_000)
      }
    }),
  )
})
