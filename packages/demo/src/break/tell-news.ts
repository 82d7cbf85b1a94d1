/** Puts into words what the clients tell while things break, and how long it took until they worked again. */
import type { DownloadProgress } from 'edgeward'
import type { News } from '../answering.js'
import { explainError } from '../explain-error.js'
import { count, formatBytes, formatMs } from '../format.js'
import { nameOf } from '../record/names.js'
import type { Outcome } from './answer-stream.js'
import type { BreakLog } from './break-log.js'

type Part = Extract<News, { readonly name: 'health' }>['event']['part']

type Sentences = { readonly lost: string; readonly recovered: string }

const health: { readonly [P in Part]: Sentences } = {
  worker: { lost: 'The worker is gone; what it had under way is asked again.', recovered: 'A fresh worker answers' },
  gpu: { lost: 'The GPU is gone; whoever needs it gets a fresh one.', recovered: 'A fresh GPU device answers' },
  endpoint: { lost: 'The endpoint does not answer; requests go around it.', recovered: 'The endpoint answers again' },
}

const where = { device: 'on this device', remote: 'at the endpoint' } as const
const who = { device: 'this device', remote: 'the endpoint' } as const

export class NewsTeller {
  readonly #log: BreakLog
  readonly #lostAt = new Map<Part, number>()
  #progress: DownloadProgress | undefined

  constructor(log: BreakLog) {
    this.#log = log
  }

  tell(news: News): void {
    switch (news.name) {
      case 'health': {
        this.#tellHealth(news.event)
        return
      }
      case 'storage': {
        this.#log.add(`The model is not kept: ${news.event.reason}`)
        return
      }
      case 'placement': {
        const { to, reason } = news.event
        this.#log.add(`${nameOf(to).place} is asked first now: ${reason}.`)
        return
      }
    }
  }

  saw(progress: DownloadProgress): void {
    this.#progress = progress
  }

  ready(): void {
    const { loadedBytes = 0, cachedBytes = 0 } = this.#progress ?? {}
    const fetchedBytes = loadedBytes - cachedBytes
    const came = [
      ...(fetchedBytes > 0 ? [`${formatBytes(fetchedBytes)} fetched`] : []),
      ...(cachedBytes > 0 ? [`${formatBytes(cachedBytes)} from the store`] : []),
      'every byte verified',
    ]
    this.#log.add(`The model is ready on this device: ${came.join(', ')}.`, 'recovery')
  }

  /** A request that did not go straight to its answer. */
  tellOutcome(outcome: Outcome): void {
    if (outcome.is === 'lost') {
      const { sentence, code } = explainError(outcome.error)
      this.#log.addCounted(code, (times) => `${count(times, 'request')} lost: ${sentence} (${code})`)
      return
    }
    const [failed] = outcome.attempts
    if (failed === undefined) return
    const from = failed.placement.engine
    const to = outcome.placement.engine
    const end = from === to ? 'a second try there answered' : `${who[to]} answered`
    this.#log.addCounted(`${failed.code} ${from} ${to}`, (times) => {
      return `${count(times, 'request')} failed ${where[from]} (${failed.code}); ${end}.`
    })
  }

  #tellHealth({ part, state, reason }: Extract<News, { readonly name: 'health' }>['event']): void {
    if (state === 'replaced') {
      this.#log.add(reason, 'recovery')
      return
    }
    if (state === 'lost') {
      this.#lostAt.set(part, performance.now())
      this.#log.add(health[part].lost, 'loss')
      return
    }
    const after = performance.now() - (this.#lostAt.get(part) ?? performance.now())
    this.#lostAt.delete(part)
    this.#log.add(`${health[part].recovered} after ${formatMs(after)}.`, 'recovery')
  }
}
