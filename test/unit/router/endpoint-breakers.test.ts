/** The breakers of several endpoints: who is told, what is kept, and when an endpoint is asked whether it is ready. */
import { describe, expect, it } from 'vitest'
import type { Estimate, Placement, Plan } from '../../../packages/sdk/src/contract/index.js'
import { EdgewardError } from '../../../packages/sdk/src/errors/index.js'
import { EndpointBreakers, type EndpointBreakersParts } from '../../../packages/sdk/src/router/index.js'

const [one, two] = ['https://one.example/', 'https://two.example/'] as const
const down = { code: 'REMOTE_UNREACHABLE', message: 'no answer' } as const

/** Of a clock that stands still until it is set. */
function client(parts: EndpointBreakersParts = {}) {
  const clock = { now: Date.UTC(2026, 0, 1) }
  const changes: string[][] = []
  const breakers = new EndpointBreakers({
    random: () => 1,
    now: () => clock.now,
    onChange: (...change) => changes.push(change),
    ...parts,
  })
  return { clock, changes, breakers }
}

/** Keeps what was written as JSON text does. */
function storage(value?: unknown) {
  const kept = { value, writes: 0 }
  return {
    kept,
    read: () => kept.value,
    write: (now: unknown) => {
      kept.value = JSON.parse(JSON.stringify(now))
      kept.writes += 1
    },
  }
}

/** With these placements, best first. */
function planOf(...places: string[]): Plan {
  const placements = places.map((place) => {
    const placement: Placement =
      place === 'device'
        ? { engine: 'device', backend: 'wasm', variant: 'fp32' }
        : { engine: 'remote', endpoint: place }
    return { placement, reason: '', estimate: {} as Estimate, readiness: 'ready' as const }
  })
  return { model: 'm', placements, ruledOut: [], shifts: [] }
}

describe('an endpoint that fails', () => {
  it('rests alone, is told of once, and once more when it answers again', () => {
    const { breakers, changes, clock } = client()
    breakers.failed(one, down)
    expect(breakers.of(one)).toEqual({ code: 'REMOTE_UNREACHABLE', remainingMs: 500 })
    expect(breakers.of(two)).toBeUndefined()
    clock.now += 500
    breakers.failed(one, down)
    expect(breakers.of(one)).toEqual({ code: 'REMOTE_UNREACHABLE', remainingMs: 1000 })
    expect(changes).toEqual([[one, 'lost', 'no answer']])
    breakers.succeeded(one)
    breakers.succeeded(one)
    expect(breakers.of(one)).toBeUndefined()
    expect(changes.slice(1)).toEqual([[one, 'recovered', 'it has answered a request']])
  })

  it('has nothing left of its rest, but is not as it was, until it is seen to answer', () => {
    const { breakers, clock } = client()
    breakers.failed(one, down)
    clock.now += 500
    expect(breakers.of(one)).toEqual({ code: 'REMOTE_UNREACHABLE', remainingMs: 0 })
  })

  it('may be asked at once when the network is there again', () => {
    const { breakers } = client()
    breakers.failed(one, down)
    breakers.failed(two, { code: 'REMOTE_OVERLOADED' })
    breakers.forgive('REMOTE_UNREACHABLE')
    expect(breakers.of(one)?.remainingMs).toBe(0)
    expect(breakers.of(two)?.remainingMs).toBe(500)
  })
})

describe('storage', () => {
  it('is written when the state changes, and at no other time', () => {
    const store = storage()
    const { breakers, clock } = client({ storage: store })
    for (let request = 0; request < 10; request += 1) breakers.succeeded(one)
    breakers.of(one)
    expect(store.kept.writes).toBe(0)
    for (let request = 0; request < 10; request += 1) breakers.failed(one, down)
    expect(store.kept.writes).toBe(1)
    clock.now += 500
    breakers.of(one)
    expect(store.kept.writes).toBe(1)
    breakers.succeeded(one)
    expect(store.kept).toEqual({ value: {}, writes: 2 })
  })

  it('lets an endpoint go on resting after a reload', () => {
    const store = storage()
    client({ storage: store }).breakers.failed(one, { code: 'REMOTE_OVERLOADED', retryAfterMs: 9000 })
    const { breakers, clock, changes } = client({ storage: store })
    clock.now += 1000
    expect(breakers.of(one)).toEqual({ code: 'REMOTE_OVERLOADED', remainingMs: 8000 })
    breakers.succeeded(one)
    expect(changes).toEqual([[one, 'recovered', expect.any(String)]])
  })

  it.each([undefined, null, 7, 'x', [], { [one]: 'x' }, { [one]: { is: 'open' } }])(
    'that holds %j holds nothing',
    (value) => {
      expect(client({ storage: storage(value) }).breakers.of(one)).toBeUndefined()
    },
  )

  it('keeps what another client of the same page has written of its endpoints', () => {
    const store = storage()
    const first = client({ storage: store }).breakers
    client({ storage: store }).breakers.failed(two, down)
    first.failed(one, down)
    expect(Object.keys(store.kept.value as object).sort()).toEqual([one, two])
  })
})

describe('a health check', () => {
  /** Fails once, and its rest is over. */
  function halfOpen(isReady: EndpointBreakersParts['isReady']) {
    const asked: string[] = []
    const answers: Promise<unknown>[] = []
    const made = client({
      isReady: (endpoint) => {
        asked.push(endpoint)
        const answer = isReady?.(endpoint) ?? Promise.resolve(true)
        answers.push(answer.catch(() => undefined))
        return answer
      },
    })
    made.breakers.failed(one, down)
    made.clock.now += 500
    const settled = async () => {
      await Promise.all(answers)
      await Promise.resolve()
    }
    return { ...made, asked, settled }
  }

  it('is made when a request comes that somebody else answers, once at a time, and closes the breaker', async () => {
    const { breakers, changes, asked, settled } = halfOpen(() => Promise.resolve(true))
    for (let request = 0; request < 5; request += 1) breakers.check(planOf('device', one))
    expect(asked).toEqual([one])
    await settled()
    expect(breakers.of(one)).toBeUndefined()
    expect(changes.at(-1)).toEqual([one, 'recovered', 'it says that it is ready'])
    breakers.check(planOf('device', one))
    expect(asked).toEqual([one])
  })

  it.each<[string, () => Promise<boolean>]>([
    ['is not ready', () => Promise.resolve(false)],
    ['does not answer', () => Promise.reject(new EdgewardError('REMOTE_UNREACHABLE', 'no answer'))],
  ])('of an endpoint that %s has it rest again, for longer', async (_, isReady) => {
    const { breakers, settled, changes } = halfOpen(isReady)
    breakers.check(planOf('device', one))
    await settled()
    expect(breakers.of(one)).toEqual({ code: 'REMOTE_UNREACHABLE', remainingMs: 1000 })
    expect(changes).toHaveLength(1)
  })

  it('that ended with the client changes nothing, and the next one may be made', async () => {
    const { breakers, asked, settled } = halfOpen(() => Promise.reject(new EdgewardError('DISPOSED', 'gone')))
    breakers.check(planOf('device', one))
    await settled()
    expect(breakers.of(one)?.remainingMs).toBe(0)
    breakers.check(planOf('device', one))
    expect(asked).toHaveLength(2)
  })

  it.each<[string, string[]]>([
    ['of an endpoint that the request itself goes to', [one, 'device']],
    ['of an endpoint that may not answer this request', ['device']],
    ['of one that has not failed', ['device', two]],
  ])('is not made %s', (_, places) => {
    const { breakers, asked } = halfOpen(undefined)
    breakers.check(planOf(...places))
    expect(asked).toEqual([])
  })

  it('is not made while the endpoint rests', () => {
    const { breakers, clock, asked } = halfOpen(undefined)
    clock.now -= 1
    breakers.check(planOf('device', one))
    expect(asked).toEqual([])
  })
})
