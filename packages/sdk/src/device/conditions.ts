/** Watches how the machine feels. Every source is optional: what is missing, forbidden or broken is absent. */
import type { Conditions } from '../contract/index.js'
import { watchBattery } from './battery.js'
import { listen, orNothing, type Tell, type WatchSource } from './condition-source.js'
import { watchConnection } from './connection.js'
import { watchPressure } from './pressure.js'

export interface ConditionsWatch {
  /** What is known now. */
  readonly current: Conditions
  /** Removes every listener and observer. */
  stop(): void
}

const sources: readonly WatchSource[] = [watchVisibility, watchConnection, watchBattery, watchPressure]

/** @param onChange - a condition has changed; not called for what is known at once */
export function watchConditions(onChange: () => void): ConditionsWatch {
  let current: Conditions = { hidden: false, saveData: false }
  let state: 'starting' | 'watching' | 'stopped' = 'starting'
  const tell: Tell = (part) => {
    if (state === 'stopped') return
    current = { ...current, ...part }
    if (state === 'watching') onChange()
  }
  const stops = sources.map((watch) => orNothing(() => watch(tell)))
  state = 'watching'
  return {
    get current() {
      return current
    },
    stop() {
      if (state === 'stopped') return
      state = 'stopped'
      for (const stop of stops) orNothing(() => stop?.())
    },
  }
}

function watchVisibility(tell: Tell): () => void {
  if (typeof document === 'undefined') return () => undefined
  const look = () => tell({ hidden: document.visibilityState === 'hidden' })
  look()
  return listen(document, ['visibilitychange'], look)
}
