/**
 * Ends a worker that hangs: what it was asked for gives no sign of life for too long, while the page is awake.
 *
 * What can hang together is a group: runs and sessions of one backend, which have one runtime and take turns in it; a load
 * that starts a runtime; and everything that the worker needs only to answer. Each group is silent until something of it
 * gets on, so that a worker that still answers does not hide a runtime that hangs.
 */
import type { Backend } from '../contract/index.js'
import type { Clock } from './clock.js'

/** `answers`: it lives as long as the worker answers anything. Others are the names of loads that start a runtime. */
export type Group = Backend | 'answers' | `load ${number}`

export interface WatchdogOptions {
  readonly clock: Clock
  /** Asks the worker for a sign of life; resolves with how many runs of graphs it has done. It may never settle. */
  readonly ask: () => Promise<number>
  /** The worker hangs; told once. */
  readonly onHung: (silentMs: number) => void
}

/** Something that the worker was asked for. */
export interface Watched {
  /** It got on, and goes on in this group. @param limitMs - absent: as before */
  progressed(group: Group, limitMs?: number): void
  /** The worker has answered it. */
  answered(): void
  /** Nobody waits for it any more; the worker may still be busy with it. */
  abandoned(): void
}

interface Entry {
  group: Group
  limitMs: number
  isAbandoned: boolean
}

/**
 * Time is counted in these steps, and no step counts for more than two: a machine that slept, a page that was frozen and a
 * hidden tab, which gets one timer a minute, are no reason to end a worker.
 */
export const tickMs = 1_000

export class Watchdog {
  readonly #options: WatchdogOptions
  readonly #entries = new Set<Entry>()
  /** For how long, in milliseconds awake, nothing of a group got on. */
  readonly #silentMs = new Map<Group, number>()
  #stopTicking: (() => void) | undefined
  #isAsking = false
  #isOver = false
  /** Runs of graphs that the worker has done, as it said last. */
  #runs = 0

  constructor(options: WatchdogOptions) {
    this.#options = options
  }

  /** @param limitMs - how long it may show no sign of life; the largest of its group, and of the backends, holds for all of it */
  watch(group: Group, limitMs: number): Watched {
    const entry: Entry = { group, limitMs, isAbandoned: false }
    this.#enter(entry, group)
    this.#tickLater()
    return {
      progressed: (next, nextLimitMs = entry.limitMs) => {
        this.#gotOn(entry.group)
        entry.limitMs = nextLimitMs
        if (next === entry.group) return
        this.#entries.delete(entry)
        this.#enter(entry, next)
      },
      answered: () => {
        this.#gotOn(entry.group)
        this.#entries.delete(entry)
      },
      abandoned: () => {
        // The worker cancels what starts a runtime; a run goes on, and what comes after it waits for it.
        if (isShared(entry.group)) entry.isAbandoned = true
        else this.#entries.delete(entry)
      },
    }
  }

  stop(): void {
    this.#isOver = true
    this.#stopTicking?.()
    this.#entries.clear()
  }

  #enter(entry: Entry, group: Group): void {
    if (![...this.#entries].some((other) => other.group === group)) this.#silentMs.set(group, 0)
    entry.group = group
    this.#entries.add(entry)
  }

  #gotOn(group: Group): void {
    for (const alive of [group, 'answers'] as const) {
      this.#silentMs.set(alive, 0)
      for (const entry of this.#entries) if (entry.isAbandoned && entry.group === alive) this.#entries.delete(entry)
    }
  }

  #tickLater(): void {
    if (this.#stopTicking !== undefined || this.#isOver) return
    const { clock } = this.#options
    const startedAt = clock.now()
    this.#stopTicking = clock.after(tickMs, () => {
      this.#stopTicking = undefined
      this.#tick(Math.min(clock.now() - startedAt, 2 * tickMs))
    })
  }

  #tick(passedMs: number): void {
    const entries = [...this.#entries]
    const waitedFor = new Set(entries.filter(({ isAbandoned }) => !isAbandoned).map(({ group }) => group))
    if (waitedFor.size === 0) return
    let isQuiet = false
    for (const group of waitedFor) {
      const silentMs = (this.#silentMs.get(group) ?? 0) + passedMs
      this.#silentMs.set(group, silentMs)
      // What runs on a backend may keep the worker from everything else.
      const holding = entries.filter((entry) => entry.group === group || isBackend(entry.group))
      const limitMs = Math.max(...holding.map((entry) => entry.limitMs))
      if (silentMs >= limitMs) {
        this.stop()
        this.#options.onHung(silentMs)
        return
      }
      isQuiet ||= silentMs >= limitMs / 4
    }
    if (isQuiet) void this.#ask()
    this.#tickLater()
  }

  /** A long run of many graphs, and a load that waits for the network, tell nothing by themselves. */
  async #ask(): Promise<void> {
    if (this.#isAsking) return
    this.#isAsking = true
    // A worker that cannot be asked does not answer either: the next tick counts on.
    const runs = await this.#options.ask().catch(() => undefined)
    this.#isAsking = false
    if (runs === undefined) return
    this.#gotOn('answers')
    const [backend, ...others] = new Set([...this.#entries].map(({ group }) => group).filter(isBackend))
    // With two backends at work it cannot be told whose runs they were.
    if (runs > this.#runs && backend !== undefined && others.length === 0) this.#gotOn(backend)
    this.#runs = runs
  }
}

function isShared(group: Group): boolean {
  return group === 'answers' || isBackend(group)
}

function isBackend(group: Group): group is Backend {
  return group === 'wasm' || group === 'webgpu'
}
