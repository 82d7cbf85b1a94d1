/** One download for all tabs: whoever holds a file's lock downloads it, the others hear of every chunk that is stored. */
import { abortable, createDeferred } from '../shared/index.js'
import type { Chunk } from './chunks.js'
import type { DownloadLocks, Release } from './download-locks.js'
import type { LowPriority } from './foreground-gate.js'

/** What loads of a file tell each other. Other kinds may come from tabs of other versions. */
type TabMessage =
  /** Told by the owner of the download to those who wait. */
  | { readonly type: 'stored'; readonly digest: string; readonly bytes: number }
  | { readonly type: 'not-stored' }
  /** Told by one who waits, with somebody waiting for it: the download must not be held back. */
  | { readonly type: 'wanted' }

type Part =
  /** Somebody else downloads. */
  | { readonly role: 'waiting' }
  | { readonly role: 'owner'; readonly release: Release }
  /** Downloads for itself, whatever others do. */
  | { readonly role: 'alone' }
  | { readonly role: 'gone' }

/**
 * One load's part in the download of a file. Nothing depends on a message to arrive: when the owner ends, for whatever
 * reason, the browser hands its lock to the next one.
 */
export class SharedDownload {
  readonly #name: string
  readonly #locks: DownloadLocks
  readonly #priority: LowPriority | undefined
  readonly #leaving = new AbortController()
  #part: Part = { role: 'waiting' }
  #channel: BroadcastChannel | undefined
  #heard = new Set<string>()
  #news = createDeferred<void>()

  /**
   * @param name The same for all loads that can use each other's chunks.
   * @param priority This load's: it is hastened when another one, for which somebody waits, depends on it.
   */
  constructor(name: string, locks: DownloadLocks, priority?: LowPriority) {
    this.#name = name
    this.#locks = locks
    this.#priority = priority
  }

  get role(): Part['role'] {
    return this.#part.role
  }

  /** Becomes the owner if there is none, else waits to be the next. Resolves when that is decided. */
  async join(): Promise<void> {
    if (this.role !== 'waiting') return
    // Before anybody else can find the lock taken.
    if (this.#priority?.isLow) this.#listen()
    try {
      const release = await this.#locks.tryTake(this.#name)
      if (release) this.#own(release)
      else if (this.role === 'waiting') this.#queue()
    } catch {
      // Origins without storage, such as sandboxed frames, have no locks either: nobody could be waited for.
      this.goAlone()
    }
  }

  /** Resolves with the digests that were stored since the last call, or with none when the role has changed. */
  async news(signal: AbortSignal): Promise<ReadonlySet<string>> {
    await abortable(this.#news.promise, signal)
    this.#news = createDeferred()
    const heard = this.#heard
    this.#heard = new Set()
    return heard
  }

  /** The owner has stored a chunk: those who wait can have it. */
  tellStored({ digest, bytes }: Chunk): void {
    if (this.role === 'owner') this.#send({ type: 'stored', digest, bytes })
  }

  /** Shares no more: nothing can be stored, or what others store cannot be read. */
  goAlone(): void {
    if (this.role === 'owner') this.#send({ type: 'not-stored' })
    if (this.role !== 'gone') this.#become({ role: 'alone' })
    this.#letGo()
  }

  /** Gives back what this load holds; harmless when it holds nothing. */
  leave(): void {
    this.#become({ role: 'gone' })
    this.#letGo()
  }

  #queue(): void {
    this.#listen()
    this.#tellWanted().catch(() => undefined) // It has left before somebody waited for it.
    this.#locks.take(this.#name, this.#leaving.signal).then(
      (release) => this.#own(release),
      () => this.goAlone(),
    )
  }

  #own(release: Release): void {
    if (this.role === 'waiting') this.#become({ role: 'owner', release })
    else release()
  }

  async #tellWanted(): Promise<void> {
    await this.#priority?.hastened(this.#leaving.signal)
    if (this.role === 'waiting') this.#send({ type: 'wanted' })
  }

  #listen(): void {
    if (this.#channel) return
    this.#channel = this.#open()
    this.#channel?.addEventListener('message', ({ data }: MessageEvent<unknown>) => this.#hear(data))
  }

  #become(part: Part): void {
    const before = this.#part
    this.#part = part
    if (before.role === 'owner') before.release()
    this.#news.resolve()
  }

  #letGo(): void {
    this.#leaving.abort()
    this.#channel?.close()
    this.#channel = undefined
  }

  #hear(message: unknown): void {
    if (typeof message !== 'object' || message === null) return
    // Tabs of this origin send it: at worst a tab of another version.
    const { type, digest } = message as Partial<Record<string, unknown>>
    if (type === 'wanted') this.#priority?.hasten()
    if (this.role !== 'waiting') return
    if (type === 'not-stored') this.goAlone()
    if (type !== 'stored' || typeof digest !== 'string') return
    this.#heard.add(digest)
    this.#news.resolve()
  }

  #send(message: TabMessage): void {
    this.#channel ??= this.#open()
    this.#channel?.postMessage(message)
  }

  #open(): BroadcastChannel | undefined {
    return typeof BroadcastChannel === 'function' ? new BroadcastChannel(this.#name) : undefined
  }
}
