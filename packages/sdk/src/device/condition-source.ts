/** What every source of a condition needs: how it tells, how it listens, and what it does where the platform throws. */
import type { Conditions } from '../contract/index.js'

/** A part of the conditions, as its source tells it. */
export type Tell = (part: Partial<Conditions>) => void

/** Starts to tell and returns its undo. It may throw: then there is nothing to tell. */
export type WatchSource = (tell: Tell) => () => void

/** Listens to several events of one target, and returns the undo of all. */
export function listen(target: EventTarget, events: readonly string[], listener: (event: Event) => void): () => void {
  for (const event of events) target.addEventListener(event, listener)
  return () => {
    for (const event of events) target.removeEventListener(event, listener)
  }
}

/** What `read` gives; undefined where it throws, as getters of a forbidden feature do. */
export function orNothing<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
