/**
 * Writes down what is being loaded, and strikes it out after: a page that the operating system kills leaves no error, but its
 * note. What notes of dead pages say is taken by the next page.
 */
import { createDeferred } from '../shared/index.js'
import { listen, orNothing } from './condition-source.js'
import type { PageStore } from './page-store.js'

/** What was being loaded when a page was killed. */
export interface Leftover {
  readonly key: string
  /** For people: "loading X on B". */
  readonly description: string
}

/** A download seldom kills a page, and takes long enough for a user to close it; a session is made of all memory at once. */
export type LoadingPhase = 'download' | 'session'

/** What a page writes down. */
interface Note {
  /** In milliseconds since 1970. */
  readonly at: number
  readonly loads: readonly (Leftover & {
    /** The load is to blame if the page is killed now; else only if that happens twice in a row. */
    readonly isSure: boolean
  })[]
}

interface Load {
  readonly description: string
  readonly phase: LoadingPhase
  /** How many began it and have not ended it. */
  readonly count: number
}

interface HeldLock {
  isGranted: boolean
  release(): void
}

const notes = 'edgeward:loading:'
const suspectsNote = 'edgeward:suspects'
/** Where browsers have no locks, a page that wrote this long ago is taken for dead. */
const oldMs = 60_000
const mostSuspects = 20

export class CrashSentinel {
  readonly #store: PageStore
  readonly #now: () => number
  readonly #tab = Math.random().toString(36).slice(2)
  readonly #loads = new Map<string, Load>()
  #lock: HeldLock | undefined
  #stopListening: (() => void) | undefined
  /** A page that was left, maybe to come back, is not killed. */
  #isLeft = false

  /** @param now - milliseconds since 1970 */
  constructor(store: PageStore, now: () => number = Date.now) {
    this.#store = store
    this.#now = now
  }

  /** A load begins, with its download; as often as this is called, {@link end} has to be. @param description "loading X on B" */
  begin(key: string, description: string): void {
    const { phase = 'download', count = 0 } = this.#loads.get(key) ?? {}
    this.#loads.set(key, { description, phase, count: count + 1 })
    this.#stopListening ??= orNothing(() =>
      listen(globalThis, ['pagehide', 'pageshow', 'visibilitychange'], this.#hear),
    )
    this.#update()
  }

  /** What a load does now. */
  phase(key: string, phase: LoadingPhase): void {
    const load = this.#loads.get(key)
    if (load === undefined || load.phase === phase) return
    this.#loads.set(key, { ...load, phase })
    this.#update()
  }

  /** A load has ended, well or not, and the page lives. */
  end(key: string): void {
    const load = this.#loads.get(key)
    if (load === undefined) return
    if (load.count > 1) this.#loads.set(key, { ...load, count: load.count - 1 })
    else this.#loads.delete(key)
    const suspects = this.#suspects()
    if (suspects.includes(key)) this.#suspect(suspects.filter((suspect) => suspect !== key))
    this.#update()
  }

  /** Takes what pages were loading when they were killed; each is told to one page only. Never rejects. */
  async leftovers(): Promise<readonly Leftover[]> {
    const found = new Map<string, Leftover>()
    for (const name of this.#store.keys(notes)) {
      const tab = name.slice(notes.length)
      if (tab === this.#tab) continue
      await whenDead(tab, (isCertain) => this.#take(name, isCertain, found))
    }
    return [...found.values()]
  }

  dispose(): void {
    this.#stopListening?.()
    this.#loads.clear()
    this.#update()
  }

  readonly #hear = ({ type }: Event): void => {
    if (type !== 'visibilitychange') this.#isLeft = type === 'pagehide'
    this.#update()
  }

  /**
   * Brings the note and the lock in line with what is loading. The note is written when the lock is there, which tells other
   * pages that this one lives; and the lock is held only meanwhile, since it keeps a page out of the back/forward cache.
   */
  #update(): void {
    const isLoading = this.#loads.size > 0 && !this.#isLeft
    if (isLoading) this.#lock ??= this.#takeLock()
    if (isLoading && this.#lock?.isGranted) this.#write()
    if (isLoading || this.#lock === undefined) return
    this.#store.write(notes + this.#tab, undefined)
    this.#lock.release()
    this.#lock = undefined
  }

  #takeLock(): HeldLock {
    const { promise, resolve } = createDeferred<void>()
    const lock: HeldLock = { isGranted: false, release: resolve }
    const granted = () => {
      lock.isGranted = true
      if (this.#lock === lock) this.#write()
      return promise
    }
    const { locks } = globalThis.navigator ?? {}
    if (locks) locks.request(lockOf(this.#tab), granted).catch(granted)
    else lock.isGranted = true
    return lock
  }

  /** Pages that nobody sees are killed to make room for others, whatever they do. */
  #write(): void {
    const isHidden = globalThis.document?.visibilityState === 'hidden'
    const loads = [...this.#loads].map(([key, { description, phase }]) => {
      return { key, description, isSure: phase === 'session' && !isHidden }
    })
    this.#store.write(notes + this.#tab, { at: this.#now(), loads } satisfies Note)
  }

  /** @param isCertain - whether the page that wrote it is known to be dead */
  #take(name: string, isCertain: boolean, found: Map<string, Leftover>): void {
    const note = noteOf(this.#store.read(name))
    if (note && !isCertain && this.#now() - note.at < oldMs) return
    this.#store.write(name, undefined)
    for (const { key, description, isSure } of note?.loads ?? []) {
      const suspects = this.#suspects()
      const others = suspects.filter((suspect) => suspect !== key)
      const isGuilty = isSure || others.length < suspects.length
      if (isGuilty) found.set(key, { key, description })
      this.#suspect(isGuilty ? others : [...others, key].slice(-mostSuspects))
    }
  }

  /** The loads that a page was killed in without being sure that they were to blame. */
  #suspects(): readonly unknown[] {
    const stored = this.#store.read(suspectsNote)
    return Array.isArray(stored) ? stored : []
  }

  #suspect(keys: readonly unknown[]): void {
    this.#store.write(suspectsNote, keys.length > 0 ? keys : undefined)
  }
}

const lockOf = (tab: string) => `edgeward-page-${tab}`

/** Calls `work` if a page is dead, as far as can be known, and meanwhile for nobody else. */
async function whenDead(tab: string, work: (isCertain: boolean) => void): Promise<void> {
  const { locks } = globalThis.navigator ?? {}
  const ifFree = (lock: Lock | null) => lock && work(true)
  // Where there are no locks, or none for this page, the note's age has to do.
  await (locks?.request(lockOf(tab), { ifAvailable: true }, ifFree) ?? Promise.reject(new Error('no locks'))).catch(
    () => work(false),
  )
}

/** What another page wrote, perhaps of another version. */
function noteOf(stored: unknown): Note | undefined {
  const { at, loads } = Object(stored) as { readonly [K in keyof Note]?: unknown }
  return typeof at === 'number' && Array.isArray(loads) ? { at, loads: loads.filter(isLoad) } : undefined
}

function isLoad(stored: unknown): stored is Note['loads'][number] {
  const { key, description } = Object(stored) as Partial<Record<string, unknown>>
  return typeof key === 'string' && typeof description === 'string'
}
