/** Search by meaning: takes a text, embeds its passages, and ranks them as the user types. */
import { isAbortError } from 'edgeward'
import { announce } from '../announce.js'
import type { Answering } from '../answering.js'
import { byId } from '../dom.js'
import { count } from '../format.js'
import { createNotice } from '../notice.js'
import type { RecordPanel } from '../record/record-panel.js'
import { indexPassages, type Embed, type PassageIndex } from './passage-index.js'
import { rank, type Ranked } from './rank.js'
import { ResultsView } from './results-view.js'
import { SentenceFinder } from './sentence-finder.js'
import { SourceView } from './source-view.js'
import { splitIntoPassages } from './split-text.js'

const task = 'feature-extraction'
const debounceMs = 150
/** The passages whose best sentence is worth another request. */
const highlighted = 3

type Source =
  | { readonly is: 'none' }
  | { readonly is: 'indexing' | 'stopped'; readonly passages: readonly string[] }
  | { readonly is: 'indexed'; readonly index: PassageIndex; readonly sentences: SentenceFinder }

export class SearchTool {
  readonly #answering: Answering
  readonly #record: RecordPanel
  readonly #view: SourceView
  readonly #results = new ResultsView()
  readonly #query = byId('query', HTMLInputElement)
  readonly #notice = createNotice(byId('search-notice', HTMLElement), () => void this.goOn())
  #source: Source = { is: 'none' }
  #indexing = new AbortController()
  #searching = new AbortController()
  #debounce: ReturnType<typeof setTimeout> | undefined

  constructor(answering: Answering, record: RecordPanel) {
    this.#answering = answering
    this.#record = record
    this.#view = new SourceView({
      onText: (name, text) => void this.#open(name, text),
      onStop: () => this.#indexing.abort(),
      onGoOn: () => void this.goOn(),
      onClose: () => this.#close(),
      onQuery: (query) => {
        this.#query.value = query
        void this.search()
      },
    })
    this.#query.addEventListener('input', () => {
      this.#searching.abort()
      clearTimeout(this.#debounce)
      this.#debounce = setTimeout(() => void this.search(), debounceMs)
    })
  }

  /** Ranks the passages for what stands in the search field; the search before it is aborted. */
  async search(): Promise<void> {
    clearTimeout(this.#debounce)
    this.#searching.abort()
    const query = this.#query.value.trim()
    if (this.#source.is !== 'indexed') return
    const { index, sentences } = this.#source
    this.#notice.clear()
    if (query === '') {
      this.#results.showText(index.passages)
      return
    }
    const { signal } = (this.#searching = new AbortController())
    await this.#attempt(signal, async () => {
      const { output, ...answered } = await this.#embed([query], signal)
      const [vector] = output
      if (vector === undefined) return
      const ranking = rank(vector, index.vectors)
      this.#results.showRanking(index.passages, ranking)
      this.#record.show(task, 'Search', answered)
      announce(`Ranked ${count(ranking.length, 'passage')}. Best match: ${beginningOf(index, ranking)}`)
      await this.#highlight(vector, ranking, index, sentences, signal)
    })
  }

  async #open(name: string, text: string): Promise<void> {
    const passages = splitIntoPassages(text)
    if (passages.length === 0) {
      this.#view.refuse('There is no text in there.')
      return
    }
    this.#source = { is: 'stopped', passages }
    this.#view.open(name, passages.length)
    this.#query.value = ''
    this.#results.showText(passages)
    this.#query.focus()
    await this.#index(passages)
  }

  /** After a failure, a stop or a change of mode: whatever is still missing. */
  async goOn(): Promise<void> {
    if (this.#source.is === 'stopped') await this.#index(this.#source.passages)
    else await this.search()
  }

  async #index(passages: readonly string[]): Promise<void> {
    this.#notice.clear()
    this.#indexing.abort()
    const { signal } = (this.#indexing = new AbortController())
    this.#source = { is: 'indexing', passages }
    this.#view.progress(0, passages.length)
    const isIndexed = await this.#attempt(signal, async () => {
      const index = await indexPassages(passages, this.#embed, signal, (done) => {
        this.#view.progress(done, passages.length)
      })
      this.#source = { is: 'indexed', index, sentences: new SentenceFinder(this.#embed) }
      this.#view.indexed(passages.length)
      this.#record.show(task, count(passages.length, 'passage'), index.answered)
      announce(`${count(passages.length, 'passage')} ready to search.`)
    })
    if (isIndexed) return this.search()
    // Another text may have been opened, or this one closed, in the meantime.
    if (this.#source.is === 'indexing' && this.#source.passages === passages) {
      this.#source = { is: 'stopped', passages }
      this.#view.stopped(passages.length)
    }
  }

  #close(): void {
    this.#indexing.abort()
    this.#searching.abort()
    this.#source = { is: 'none' }
    this.#notice.clear()
    this.#results.clear()
    this.#query.value = ''
  }

  async #highlight(
    query: Float32Array,
    ranking: readonly Ranked[],
    { passages }: PassageIndex,
    finder: SentenceFinder,
    signal: AbortSignal,
  ): Promise<void> {
    for (const { index } of ranking.slice(0, highlighted)) {
      const { sentences, best } = await finder.find(query, passages[index] ?? '', signal)
      this.#results.highlight(index, sentences, best)
    }
  }

  readonly #embed: Embed = (texts, signal) => this.#answering.ask(task, texts, signal)

  /** Whether `work` went through; an abort is no failure, and is shown nowhere. */
  async #attempt(signal: AbortSignal, work: () => Promise<void>): Promise<boolean> {
    const end = this.#record.begin(task)
    try {
      await work()
      return true
    } catch (error) {
      if (!signal.aborted && !isAbortError(error)) {
        this.#notice.show(error)
        this.#record.fail(task, error)
      }
      return false
    } finally {
      end()
    }
  }
}

function beginningOf({ passages }: PassageIndex, [best]: readonly Ranked[]): string {
  return best === undefined ? 'none' : (passages[best.index] ?? '').split(' ').slice(0, 12).join(' ')
}
