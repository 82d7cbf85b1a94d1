/** Conditions as a real Chromium tells them. */
import { expect, test, vi } from 'vitest'
import { watchConditions } from '../../packages/sdk/src/device/index.js'

test('the page is visible, and the connection and the battery are what the browser says', async () => {
  const watch = watchConditions(() => undefined)
  try {
    const { connection, getBattery } = navigator as unknown as {
      connection: { saveData: boolean; effectiveType: string; downlink: number; rtt: number }
      getBattery: () => Promise<{ level: number; charging: boolean }>
    }
    expect(watch.current).toMatchObject({
      hidden: document.visibilityState === 'hidden',
      saveData: connection.saveData,
    })
    expect(watch.current.connection).toMatchObject({
      effectiveType: connection.effectiveType,
      roundTripMs: connection.rtt,
      bytesPerSecond: (connection.downlink * 1e6) / 8,
    })
    const { level, charging } = await getBattery.call(navigator)
    await vi.waitUntil(() => watch.current.battery)
    expect(watch.current.battery).toEqual({ level, charging })
  } finally {
    watch.stop()
  }
})

test('a page that is hidden is heard, and not any more after stopping', () => {
  const onChange = vi.fn()
  const watch = watchConditions(onChange)
  const state = vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden')
  try {
    document.dispatchEvent(new Event('visibilitychange'))
    expect(watch.current.hidden).toBe(true)
    expect(onChange).toHaveBeenCalledOnce()
    watch.stop()
    state.mockReturnValue('visible')
    document.dispatchEvent(new Event('visibilitychange'))
    expect(watch.current.hidden).toBe(true)
    expect(onChange).toHaveBeenCalledOnce()
  } finally {
    watch.stop()
    state.mockRestore()
  }
})

interface Observer {
  observe(source: 'cpu'): Promise<void>
  disconnect(): void
}

test('the pressure on the CPU is asked for without harm, whether or not the browser may tell it', async () => {
  const { PressureObserver } = globalThis as unknown as {
    PressureObserver: { new (listener: () => void): Observer; readonly knownSources: readonly string[] }
  }
  expect(PressureObserver.knownSources).toContain('cpu')
  const unhandled = vi.fn()
  addEventListener('unhandledrejection', unhandled)
  const watch = watchConditions(() => undefined)
  // Asked later, answered later: by then the watch has its answer, and a refusal would have been reported.
  const later = new PressureObserver(() => undefined)
  await later.observe('cpu').catch(() => undefined)
  later.disconnect()
  await new Promise((resolve) => requestAnimationFrame(resolve))
  watch.stop()
  removeEventListener('unhandledrejection', unhandled)
  expect(unhandled).not.toHaveBeenCalled()
})
