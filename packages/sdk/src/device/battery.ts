/** Watches the battery, where the browser shows it (Chromium only). */
import { listen, orNothing, type Tell } from './condition-source.js'

/** The Battery Status API; the DOM library's types lack it. */
interface BatteryManager extends EventTarget {
  readonly level: number
  readonly charging: boolean
}

interface NavigatorWithBattery {
  readonly getBattery?: () => Promise<BatteryManager>
}

export function watchBattery(tell: Tell): () => void {
  const asked = (globalThis.navigator as NavigatorWithBattery | undefined)?.getBattery?.()
  let undo: (() => void) | 'stopped' | undefined
  const start = (battery: BatteryManager) => {
    if (undo === 'stopped') return
    const look = () => orNothing(() => tell({ battery: { level: battery.level, charging: battery.charging } }))
    undo = listen(battery, ['levelchange', 'chargingchange'], look)
    look()
  }
  // A page that may not ask has no battery to tell of.
  asked?.then(start).catch(() => undefined)
  return () => {
    if (typeof undo === 'function') undo()
    undo = 'stopped'
  }
}
