/** Conditions: whatever the browser tells is heard, whatever it lacks or refuses does no harm, and stopping leaves nothing. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { watchConditions } from '../../../packages/sdk/src/device/index.js'

/** An event target that counts its listeners. */
class CountingTarget extends EventTarget {
  listeners = 0

  override addEventListener(...args: Parameters<EventTarget['addEventListener']>) {
    this.listeners += 1
    super.addEventListener(...args)
  }

  override removeEventListener(...args: Parameters<EventTarget['removeEventListener']>) {
    this.listeners -= 1
    super.removeEventListener(...args)
  }

  change(change: object, event: string) {
    Object.assign(this, change)
    this.dispatchEvent(new Event(event))
  }
}

class FakePressureObserver {
  static made: FakePressureObserver[] = []
  static answer: () => Promise<void> = () => Promise.resolve()
  observed: unknown
  isConnected = false
  readonly tell: (...states: readonly string[]) => void

  constructor(listener: (records: readonly { state: string }[]) => void) {
    FakePressureObserver.made.push(this)
    this.tell = (...states) => listener(states.map((state) => ({ state })))
  }

  observe(...args: readonly unknown[]) {
    this.observed = args
    this.isConnected = true
    return FakePressureObserver.answer()
  }

  disconnect() {
    this.isConnected = false
  }
}

const fakePage = () => Object.assign(new CountingTarget(), { visibilityState: 'visible' })
const fakeBattery = () => Object.assign(new CountingTarget(), { level: 0.8, charging: false })
const fakeConnection = () =>
  Object.assign(new CountingTarget(), { saveData: false, effectiveType: '4g', downlink: 8, rtt: 50 })

/** A browser that tells everything. */
function fakeBrowser() {
  const fakes = { page: fakePage(), battery: fakeBattery(), connection: fakeConnection() }
  vi.stubGlobal('document', fakes.page)
  vi.stubGlobal('navigator', { connection: fakes.connection, getBattery: () => Promise.resolve(fakes.battery) })
  vi.stubGlobal('PressureObserver', FakePressureObserver)
  vi.stubGlobal('isSecureContext', true)
  return fakes
}

const settled = () => new Promise((resolve) => setTimeout(resolve))

beforeEach(() => {
  FakePressureObserver.made = []
  FakePressureObserver.answer = () => Promise.resolve()
})
afterEach(() => vi.unstubAllGlobals())

describe('a browser that tells everything', () => {
  it('is heard at once, and the battery when it has answered', async () => {
    fakeBrowser()
    const onChange = vi.fn()
    const watch = watchConditions(onChange)
    const connection = { effectiveType: '4g', bytesPerSecond: 1e6, roundTripMs: 50 }
    expect(watch.current).toEqual({ hidden: false, saveData: false, connection })
    expect(onChange).not.toHaveBeenCalled()
    await settled()
    expect(watch.current.battery).toEqual({ level: 0.8, charging: false })
    expect(onChange).toHaveBeenCalledOnce()
    watch.stop()
  })

  it('is heard whenever something changes', async () => {
    const { page, battery, connection } = fakeBrowser()
    const onChange = vi.fn()
    const watch = watchConditions(onChange)
    await settled()
    onChange.mockClear()

    page.change({ visibilityState: 'hidden' }, 'visibilitychange')
    expect(watch.current.hidden).toBe(true)
    battery.change({ level: 0.1 }, 'levelchange')
    expect(watch.current.battery).toEqual({ level: 0.1, charging: false })
    battery.change({ charging: true }, 'chargingchange')
    expect(watch.current.battery).toEqual({ level: 0.1, charging: true })
    connection.change({ saveData: true, effectiveType: '3g', downlink: 0.8, rtt: 400 }, 'change')
    expect(watch.current).toMatchObject({
      saveData: true,
      connection: { effectiveType: '3g', bytesPerSecond: 1e5, roundTripMs: 400 },
    })
    FakePressureObserver.made[0]?.tell('serious', 'critical')
    expect(watch.current.pressure).toBe('critical')
    expect(onChange).toHaveBeenCalledTimes(5)
    watch.stop()
  })

  it('is asked for the pressure of the CPU, no more than once a second', () => {
    fakeBrowser()
    const watch = watchConditions(() => undefined)
    const [source, options] = FakePressureObserver.made[0]?.observed as ['cpu', { sampleInterval: number }]
    expect(source).toBe('cpu')
    expect(options.sampleInterval).toBeGreaterThanOrEqual(1_000)
    watch.stop()
  })

  it('is offline: no rate is told, not one of zero', () => {
    const { connection } = fakeBrowser()
    const watch = watchConditions(() => undefined)
    connection.change({ downlink: 0, rtt: 0 }, 'change')
    expect(watch.current.connection).toEqual({ effectiveType: '4g', roundTripMs: 0 })
    watch.stop()
  })
})

describe('stopping', () => {
  it('leaves no listener and no observer, and nothing is told any more', async () => {
    const { page, battery, connection } = fakeBrowser()
    const onChange = vi.fn()
    const watch = watchConditions(onChange)
    await settled()
    expect([page, battery, connection].map(({ listeners }) => listeners)).toEqual([1, 2, 1])
    onChange.mockClear()
    watch.stop()
    watch.stop()
    expect([page, battery, connection].map(({ listeners }) => listeners)).toEqual([0, 0, 0])
    expect(FakePressureObserver.made.map(({ isConnected }) => isConnected)).toEqual([false])
    FakePressureObserver.made[0]?.tell('critical')
    expect(watch.current).not.toHaveProperty('pressure')
    expect(onChange).not.toHaveBeenCalled()
  })

  it('holds for a battery that answers afterwards', async () => {
    const { battery } = fakeBrowser()
    const onChange = vi.fn()
    const watch = watchConditions(onChange)
    watch.stop()
    await settled()
    expect(battery.listeners).toBe(0)
    expect(watch.current).not.toHaveProperty('battery')
    expect(onChange).not.toHaveBeenCalled()
  })
})

describe('what is missing does no harm', () => {
  const nothing = { hidden: false, saveData: false }

  it('where there is no page, as on a server', () => {
    vi.stubGlobal('navigator', undefined)
    const watch = watchConditions(() => undefined)
    expect(watch.current).toEqual(nothing)
    watch.stop()
  })

  it('where a browser has none of it', async () => {
    vi.stubGlobal('document', fakePage())
    vi.stubGlobal('navigator', {})
    const watch = watchConditions(() => undefined)
    await settled()
    expect(watch.current).toEqual(nothing)
    watch.stop()
  })

  it('where a browser refuses: rejections and getters that throw', async () => {
    const denied = () => {
      throw new DOMException('denied', 'SecurityError')
    }
    vi.stubGlobal('document', Object.defineProperty(new CountingTarget(), 'visibilityState', { get: denied }))
    const connection = Object.defineProperty(new CountingTarget(), 'saveData', { get: denied })
    const rejected = () => Promise.reject(new DOMException('denied', 'NotAllowedError'))
    vi.stubGlobal('navigator', { connection, getBattery: rejected })
    vi.stubGlobal('PressureObserver', FakePressureObserver)
    vi.stubGlobal('isSecureContext', true)
    FakePressureObserver.answer = rejected
    const watch = watchConditions(() => undefined)
    await settled()
    expect(watch.current).toEqual(nothing)
    watch.stop()
    expect(FakePressureObserver.made[0]?.isConnected).toBe(false)
  })

  it('where asking throws at once', () => {
    const throws = () => {
      throw new TypeError('not here')
    }
    vi.stubGlobal('document', fakePage())
    vi.stubGlobal('navigator', Object.defineProperty({ getBattery: throws }, 'connection', { get: throws }))
    vi.stubGlobal('PressureObserver', throws)
    vi.stubGlobal('isSecureContext', true)
    const watch = watchConditions(() => undefined)
    expect(watch.current).toEqual(nothing)
    watch.stop()
  })

  it('on an insecure page the pressure is not asked for', () => {
    fakeBrowser()
    vi.stubGlobal('isSecureContext', false)
    const watch = watchConditions(() => undefined)
    expect(FakePressureObserver.made).toEqual([])
    watch.stop()
  })
})

it('nothing starts before it is asked for', () => {
  const { page, battery, connection } = fakeBrowser()
  expect([page, battery, connection].map(({ listeners }) => listeners)).toEqual([0, 0, 0])
  expect(FakePressureObserver.made).toEqual([])
})
