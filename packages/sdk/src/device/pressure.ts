/** Watches the pressure on the CPU (the Compute Pressure API, in secure contexts of Chromium). */
import type { Pressure } from '../contract/index.js'
import type { Tell } from './condition-source.js'

/** How often the browser may look, in milliseconds: pressure builds up over seconds. */
const sampleIntervalMs = 2_000

/** The Compute Pressure API; the DOM library's types lack it. */
interface PressureObserver {
  observe(source: 'cpu', options: { readonly sampleInterval: number }): Promise<void>
  disconnect(): void
}

interface GlobalWithPressure {
  readonly PressureObserver?: new (
    listener: (records: readonly { readonly state: Pressure }[]) => void,
  ) => PressureObserver
  readonly isSecureContext?: boolean
}

export function watchPressure(tell: Tell): () => void {
  const { PressureObserver, isSecureContext } = globalThis as GlobalWithPressure
  if (!PressureObserver || !isSecureContext) return () => undefined
  const observer = new PressureObserver((records) => {
    const newest = records.at(-1)
    if (newest) tell({ pressure: newest.state })
  })
  // Rejected where the platform cannot tell, or a permissions policy forbids it.
  observer.observe('cpu', { sampleInterval: sampleIntervalMs }).catch(() => undefined)
  return () => observer.disconnect()
}
