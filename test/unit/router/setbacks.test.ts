/** How long placements of the device rest after failures, and what forgives them. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ErrorCode } from '../../../packages/sdk/src/errors/index.js'
import { deviceKey, restingOf, Setbacks, type DeviceKeyParts } from '../../../packages/sdk/src/router/index.js'
import { manifestWith } from './inputs.js'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

const place: DeviceKeyParts = {
  ...{ model: 'minilm', revision: '1', variant: 'fp32', backend: 'webgpu' },
  ...{ adapter: 'nvidia/ampere, shader-f16', browser: 'Chromium 140' },
}
const other: DeviceKeyParts = { ...place, model: 'whisper', variant: 'q4f16' }
const onWasm: DeviceKeyParts = { ...place, backend: 'wasm', adapter: '8 cores, 4 threads, SIMD' }

/** A storage of one note, as JSON keeps it, and a clock. */
function world(stored?: unknown) {
  let text = stored === undefined ? undefined : JSON.stringify(stored)
  const counts = { reads: 0, writes: 0 }
  const clock = { now: 1_700_000_000_000 }
  const store = {
    read(): unknown {
      counts.reads += 1
      return text === undefined ? undefined : JSON.parse(text)
    },
    write(value: unknown) {
      counts.writes += 1
      text = JSON.stringify(value)
    },
  }
  return { counts, clock, store, open: () => new Setbacks(store, () => clock.now), stored: () => text ?? '' }
}

/** Fails as soon as each rest is over; how long each one is, and how the place may be used. */
function restsOf(times: number, fail: (setbacks: Setbacks) => void, at = place): [number, string][] {
  const { clock, open } = world()
  const setbacks = open()
  return Array.from({ length: times }, () => {
    fail(setbacks)
    const { remainingMs = 0, use = '' } = setbacks.of(at) ?? {}
    clock.now += remainingMs
    expect(setbacks.of(at)).toBeUndefined()
    clock.now += 1
    return [remainingMs, use]
  })
}
const fails = (code: ErrorCode) => (setbacks: Setbacks) => setbacks.failed(place, code, 'it failed', 0)

describe('a placement that ran out of memory, or of which no session could be made', () => {
  it('rests for half a minute, twice as long after each failure in a row, an hour at most', () => {
    for (const code of ['OUT_OF_MEMORY', 'SESSION_FAILED'] as const) {
      const rests = restsOf(9, fails(code))
      expect(rests.map(([ms]) => ms / second)).toEqual([30, 60, 120, 240, 480, 960, 1920, 3600, 3600])
      expect(new Set(rests.map(([, use]) => use))).toEqual(new Set(['last']))
    }
  })

  it('says with which code it failed and why, and leaves other placements alone', () => {
    const setbacks = world().open()
    setbacks.failed(place, 'OUT_OF_MEMORY', 'std::bad_alloc', 0)
    expect(setbacks.of(place)).toEqual({
      ...{ code: 'OUT_OF_MEMORY', reason: 'std::bad_alloc', remainingMs: 30 * second, use: 'last' },
    })
    for (const elsewhere of [other, onWasm, { ...place, variant: 'q8' } as const])
      expect(setbacks.of(elsewhere)).toBeUndefined()
  })

  it('counts failures that were under way together once', () => {
    const { clock, open } = world()
    const setbacks = open()
    for (let request = 0; request < 100; request += 1) setbacks.failed(place, 'OUT_OF_MEMORY', 'full', 0)
    expect(setbacks.of(place)?.remainingMs).toBe(30 * second)
    clock.now += 31 * second
    setbacks.failed(place, 'OUT_OF_MEMORY', 'full', 5 * second) // It began while the place rested.
    expect(setbacks.of(place)).toBeUndefined()
    setbacks.failed(place, 'OUT_OF_MEMORY', 'full', 500)
    expect(setbacks.of(place)?.remainingMs).toBe(minute)
  })

  it('begins anew after a success, and when its last rest was over for an hour', () => {
    const { clock, open } = world()
    const setbacks = open()
    const fail = () => {
      setbacks.failed(place, 'OUT_OF_MEMORY', 'full', 0)
      return setbacks.of(place)?.remainingMs
    }
    expect(fail()).toBe(30 * second)
    clock.now += 30 * second
    expect(fail()).toBe(minute)
    setbacks.succeeded(place)
    expect(setbacks.of(place)).toBeUndefined()
    expect(fail()).toBe(30 * second)
    clock.now += 30 * second + hour + 1
    expect(fail()).toBe(30 * second)
  })
})

describe('a runtime that does not start, or a worker that dies', () => {
  it('costs nothing at first, since something fresh takes its place; then the placement rests', () => {
    for (const code of ['RUNTIME_FAILED', 'WORKER_DIED'] as const) {
      expect(restsOf(4, fails(code))).toEqual([
        [0, ''],
        [30 * second, 'last'],
        [60 * second, 'last'],
        [120 * second, 'last'],
      ])
    }
  })

  it('has nothing to do with one that was ten minutes ago', () => {
    const { clock, open } = world()
    const setbacks = open()
    for (let time = 0; time < 5; time += 1) {
      setbacks.failed(place, 'WORKER_DIED', 'it died', 0)
      expect(setbacks.of(place)).toBeUndefined()
      clock.now += 10 * minute + 1
    }
  })
})

describe('a GPU that is lost', () => {
  it('costs nothing at first; then all of WebGPU rests; from the third time in a row on it is ruled out, a day at most', () => {
    const rests = restsOf(16, fails('GPU_LOST'), other)
    expect(rests.slice(0, 4)).toEqual([
      [0, ''],
      [30 * second, 'last'],
      [60 * second, 'never'],
      [120 * second, 'never'],
    ])
    expect(rests.at(-1)).toEqual([day, 'never'])
  })

  it('leaves WASM alone, and other adapters and browsers', () => {
    const setbacks = world().open()
    for (let time = 0; time < 2; time += 1) setbacks.failed(place, 'GPU_LOST', 'a driver reset', 0)
    expect(setbacks.of(other)).toMatchObject({ code: 'GPU_LOST', reason: 'a driver reset' })
    expect(setbacks.of(onWasm)).toBeUndefined()
    expect(setbacks.of({ ...place, adapter: 'amd/rdna-3, shader-f16' })).toBeUndefined()
    expect(setbacks.of({ ...place, browser: 'Chromium 141' })).toBeUndefined()
  })

  it('is one loss, however many requests it took', () => {
    const { clock, open } = world()
    const setbacks = open()
    for (let request = 1; request < 10; request += 1) {
      setbacks.failed(place, 'GPU_LOST', 'lost', 20 * request)
      clock.now += 1
    }
    expect(setbacks.of(place)).toBeUndefined()
    clock.now += 200
    setbacks.failed(place, 'GPU_LOST', 'the replay lost it again', 150)
    expect(setbacks.of(place)).toMatchObject({ remainingMs: 30 * second, use: 'last' })
  })

  it('is not forgiven by a run in between, but by one ten minutes later', () => {
    const { clock, open } = world()
    const setbacks = open()
    const loseAfter = (ms: number) => {
      setbacks.succeeded(place)
      clock.now += ms
      setbacks.failed(place, 'GPU_LOST', 'lost', 0)
      return setbacks.of(place)?.use
    }
    expect([loseAfter(0), loseAfter(5 * minute), loseAfter(5 * minute), loseAfter(5 * minute)]).toEqual([
      ...[undefined, 'last', 'never', 'never'],
    ])
    clock.now += 20 * minute
    expect(loseAfter(0)).toBeUndefined()
  })
})

describe('a placement that killed the page', () => {
  const killed = (setbacks: Setbacks) => setbacks.pageKilled(deviceKey(place))

  it('is ruled out for an hour, four times as long each time, thirty days at most', () => {
    const rests = restsOf(7, killed)
    expect(rests.map(([ms]) => ms / hour)).toEqual([1, 4, 16, 64, 256, 720, 720])
    expect(new Set(rests.map(([, use]) => use))).toEqual(new Set(['never']))
  })

  it('says how often', () => {
    const { clock, open } = world()
    const reasons = Array.from({ length: 3 }, () => {
      const setbacks = open()
      killed(setbacks)
      const { reason, code, remainingMs = 0 } = setbacks.of(place) ?? {}
      clock.now += remainingMs
      return `${code}: ${reason}`
    })
    expect(reasons).toEqual([
      'WORKER_DIED: the page was killed while this was loading',
      'WORKER_DIED: the page was killed twice while this was loading',
      'WORKER_DIED: the page was killed 3 times while this was loading',
    ])
  })

  it('is told before what is less bad', () => {
    const setbacks = world().open()
    setbacks.failed(place, 'OUT_OF_MEMORY', 'full', 0)
    killed(setbacks)
    for (let time = 0; time < 2; time += 1) setbacks.failed(place, 'GPU_LOST', 'lost', 0)
    expect(setbacks.of(place)).toMatchObject({ code: 'WORKER_DIED', use: 'never' })
  })

  it('is forgiven by a success, an update of the model, and a new version of the browser', () => {
    const setbacks = world().open()
    killed(setbacks)
    expect(setbacks.of({ ...place, revision: '2' })).toBeUndefined()
    expect(setbacks.of({ ...place, browser: 'Chromium 141' })).toBeUndefined()
    setbacks.succeeded(other)
    expect(setbacks.of(place)).toBeDefined()
    setbacks.succeeded(place)
    expect(setbacks.of(place)).toBeUndefined()
  })
})

describe('what is written down', () => {
  it('outlives the page', () => {
    const { clock, open } = world()
    open().failed(place, 'OUT_OF_MEMORY', 'full', 0)
    clock.now += 10 * second
    expect(open().of(place)).toMatchObject({ code: 'OUT_OF_MEMORY', remainingMs: 20 * second })
  })

  it('is read once, and written only when something changes', () => {
    const { counts, open } = world()
    const setbacks = open()
    expect(counts).toEqual({ reads: 1, writes: 0 })
    for (let request = 0; request < 10; request += 1) {
      setbacks.succeeded(place)
      expect(setbacks.of(place)).toBeUndefined()
    }
    for (const code of ['INVALID_INPUT', 'DOWNLOAD_FAILED', 'CANARY_FAILED', 'REMOTE_FAILED', 'QUEUE_FULL'] as const)
      setbacks.failed(place, code, 'says nothing of the place', 0)
    expect(counts).toEqual({ reads: 1, writes: 0 })
    for (let request = 0; request < 10; request += 1) setbacks.failed(place, 'OUT_OF_MEMORY', 'full', 0)
    expect(counts.writes).toBe(1)
    setbacks.succeeded(place)
    setbacks.succeeded(place)
    expect(counts.writes).toBe(2)
  })

  it('is kept from both of two tabs', () => {
    const { open } = world()
    const [one, two] = [open(), open()]
    one.failed(place, 'OUT_OF_MEMORY', 'full', 0)
    two.failed(other, 'SESSION_FAILED', 'no session', 0)
    expect(two.of(place)).toMatchObject({ code: 'OUT_OF_MEMORY' })
    const third = open()
    expect([third.of(place)?.code, third.of(other)?.code]).toEqual(['OUT_OF_MEMORY', 'SESSION_FAILED'])
    one.succeeded(place)
    expect([open().of(place), open().of(other)?.code]).toEqual([undefined, 'SESSION_FAILED'])
  })

  it('is at most a hundred places, of which those that rest longest stay', () => {
    const { open, stored } = world()
    const setbacks = open()
    setbacks.pageKilled(deviceKey(place))
    for (let model = 0; model < 150; model += 1)
      setbacks.failed({ ...place, model: `model ${model}` }, 'OUT_OF_MEMORY', 'full', 0)
    expect(Object.keys(JSON.parse(stored()) as object)).toHaveLength(100)
    expect(open().of(place)).toMatchObject({ use: 'never' })
  })

  it('is dropped when it means nothing any more', () => {
    const { clock, open, stored } = world()
    const setbacks = open()
    setbacks.failed(place, 'OUT_OF_MEMORY', 'full', 0)
    clock.now += 2 * hour
    setbacks.failed(other, 'OUT_OF_MEMORY', 'full', 0)
    expect(Object.keys(JSON.parse(stored()) as object)).toEqual([`failed ${deviceKey(other)}`])
  })

  it('rests nobody for longer than its rule when the clock was put back', () => {
    const { clock, open } = world()
    open().failed(place, 'OUT_OF_MEMORY', 'full', 0)
    clock.now -= 365 * day
    expect(open().of(place)).toBeUndefined()
  })

  it('is not believed when it is something else', () => {
    const now = 1_700_000_000_000
    const good = { code: 'OUT_OF_MEMORY', reason: 'full', failures: 1, until: now + second }
    const name = `failed ${deviceKey(place)}`
    expect(
      world({ [name]: good })
        .open()
        .of(place)?.code,
    ).toBe('OUT_OF_MEMORY')
    const bad = [
      ...[
        null,
        7,
        'text',
        [good],
        { until: now + second },
        { ...good, code: 'toString' },
        { ...good, code: 'NO_SUCH' },
      ],
      ...[
        { ...good, reason: 1 },
        { ...good, failures: 0 },
        { ...good, failures: '1' },
        { ...good, until: '9' },
      ],
      ...[
        { ...good, until: now + 2 * hour },
        { ...good, until: null },
      ],
    ]
    for (const value of bad) {
      expect(
        world({ [name]: value })
          .open()
          .of(place),
      ).toBeUndefined()
      expect(world(value).open().of(place)).toBeUndefined()
    }
    for (const kind of ['', 'constructor', '__proto__', 'unknown'])
      expect(world({ [`${kind} ${deviceKey(place)}`]: good }).open().isResting).toBe(false)
  })

  it('never throws and never rests a place for ever, whatever was stored', () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.dictionary(fc.constantFrom(`failed ${deviceKey(place)}`, 'x'), fc.jsonValue()),
        (a, b) => {
          for (const stored of [a, b]) {
            const setbacks = world(stored).open()
            setbacks.failed(place, 'OUT_OF_MEMORY', 'full', 0)
            expect(setbacks.of(place)?.remainingMs).toBeLessThanOrEqual(hour)
            setbacks.succeeded(place)
            expect(setbacks.of(place)).toBeUndefined()
          }
        },
      ),
    )
  })
})

describe("what a plan is told of a model's placements", () => {
  const manifest = {
    ...manifestWith({ dtype: 'fp32', backends: ['webgpu'] }, { dtype: 'q8', backends: ['wasm'] }),
    id: 'minilm',
  }
  const told = (setbacks: Setbacks) =>
    restingOf(setbacks, manifest, place.browser, (backend) => (backend === 'webgpu' ? place.adapter : onWasm.adapter))

  it('is nothing where nothing rests', () => {
    const { clock, open } = world()
    const setbacks = open()
    expect(told(setbacks).size).toBe(0)
    setbacks.failed(place, 'OUT_OF_MEMORY', 'full', 0)
    clock.now += hour
    expect(told(setbacks).size).toBe(0)
  })

  it('names each placement that rests, all of a backend too', () => {
    const setbacks = world().open()
    setbacks.failed({ ...onWasm, variant: 'q8' }, 'OUT_OF_MEMORY', 'full', 0)
    for (let time = 0; time < 2; time += 1) setbacks.failed(other, 'GPU_LOST', 'lost', 0)
    expect([...told(setbacks)].map(([name, { code }]) => `${name} ${code}`)).toEqual([
      ...['webgpu/fp32 GPU_LOST', 'webgpu/q8 GPU_LOST', 'wasm/q8 OUT_OF_MEMORY'],
    ])
  })
})

it('a clock that is put back while the page lives lets nothing rest for as long as that', () => {
  const { clock, open } = world()
  const setbacks = open()
  setbacks.failed(place, 'OUT_OF_MEMORY', 'no room', 0)
  setbacks.pageKilled(deviceKey(other))
  clock.now -= 365 * day
  expect([setbacks.of(place), setbacks.of(other)]).toEqual([undefined, undefined])
})
