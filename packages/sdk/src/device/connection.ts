/** Watches the connection, where the browser tells of it (the Network Information API, Chromium only). */
import type { Conditions } from '../contract/index.js'
import { listen, orNothing, type Tell } from './condition-source.js'

/** The Network Information API; the DOM library's types lack it. */
interface NetworkInformation extends EventTarget {
  readonly saveData?: boolean
  readonly effectiveType?: string
  /** Megabits a second, rounded; Chromium tells at most 10. */
  readonly downlink?: number
  /** Milliseconds, rounded to 25. */
  readonly rtt?: number
}

interface NavigatorWithConnection {
  readonly connection?: NetworkInformation
}

const bytesPerMegabit = 1e6 / 8

export function watchConnection(tell: Tell): () => void {
  const connection = (globalThis.navigator as NavigatorWithConnection | undefined)?.connection
  if (!connection) return () => undefined
  const look = () => orNothing(() => tell(toConditions(connection)))
  look()
  return listen(connection, ['change'], look)
}

function toConditions({ saveData, effectiveType, downlink, rtt }: NetworkInformation): Partial<Conditions> {
  return {
    saveData: saveData ?? false,
    connection: {
      ...(effectiveType !== undefined && { effectiveType }),
      // 0 is what a browser says while it is offline.
      ...(isNumber(downlink) && downlink > 0 && { bytesPerSecond: downlink * bytesPerMegabit }),
      ...(isNumber(rtt) && { roundTripMs: rtt }),
    },
  }
}

function isNumber(value: number | undefined): value is number {
  return value !== undefined && Number.isFinite(value)
}
