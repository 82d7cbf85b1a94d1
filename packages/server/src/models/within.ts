/** Waiting for what may never come. */
import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves with `promise`, or after `ms` milliseconds without it. */
export async function within(promise: Promise<void>, ms: number): Promise<void> {
  const over = new AbortController()
  const tooLate = sleep(ms, undefined, { signal: over.signal }).catch(() => undefined)
  await Promise.race([promise, tooLate])
  over.abort()
}
