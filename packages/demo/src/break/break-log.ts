/** What happened, newest first, in plain words and with the time since the first request. */
import { announce } from '../announce.js'
import { byId, html } from '../dom.js'
import { formatMs } from '../format.js'

const mostEntries = 60

export class BreakLog {
  readonly #list = byId('break-log', HTMLElement)
  #beganAt: number | undefined
  #newest: { readonly tell: (times: number) => string; readonly key: string; times: number } | undefined

  /** Times are told from here on; what is already running goes on. */
  start(): void {
    this.#beganAt ??= performance.now()
  }

  add(sentence: string, kind: 'fault' | 'loss' | 'recovery' | 'news' = 'news'): void {
    this.#put(sentence, kind)
    this.#newest = undefined
    announce(sentence)
  }

  /** As {@link add}; the same again, with nothing between, is counted instead. */
  addCounted(key: string, tell: (times: number) => string): void {
    if (this.#newest?.key === key) {
      this.#newest.times += 1
      const sentence = this.#list.firstElementChild?.lastElementChild
      if (sentence) sentence.textContent = this.#newest.tell(this.#newest.times)
      return
    }
    this.#put(tell(1), 'loss')
    this.#newest = { key, tell, times: 1 }
  }

  #put(sentence: string, kind: string): void {
    const now = performance.now()
    const time = html('span', { class: 'log-time' }, formatMs(now - (this.#beganAt ?? now)))
    this.#list.querySelector('li:not([data-kind])')?.remove()
    this.#list.prepend(html('li', { 'data-kind': kind }, time, ' ', html('span', {}, sentence)))
    while (this.#list.childElementCount > mostEntries) this.#list.lastElementChild?.remove()
  }
}
