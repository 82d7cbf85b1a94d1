/** The passages on the page: in the text's order, or best match first with bars and the sentence that matches. */
import { byId, html } from '../dom.js'
import type { Ranked } from './rank.js'

const shownFirst = 8

export class ResultsView {
  readonly #list = byId('results', HTMLOListElement)
  readonly #more = byId('results-more', HTMLButtonElement)
  #showAll: () => void = () => undefined

  constructor() {
    this.#more.addEventListener('click', () => this.#showAll())
  }

  /** The text as it is, before anything was searched. */
  showText(passages: readonly string[]): void {
    this.#list.dataset['state'] = 'text'
    this.#show(passages.map(textRow))
  }

  showRanking(passages: readonly string[], ranking: readonly Ranked[]): void {
    this.#list.dataset['state'] = 'ranked'
    this.#show(ranking.map(({ index, score }) => rankedRow(passages[index] ?? '', index, score)))
  }

  /** Marks the sentence of a passage that matches best. */
  highlight(index: number, sentences: readonly string[], best: number): void {
    const text = this.#list.querySelector(`[data-index="${index}"] .passage-text`)
    text?.replaceChildren(...sentences.flatMap((sentence, at) => (at === best ? marked(sentence) : [sentence])))
  }

  clear(): void {
    this.#show([])
  }

  #show(elements: readonly HTMLElement[]): void {
    const left = elements.length - shownFirst
    this.#list.replaceChildren(...elements.slice(0, shownFirst))
    this.#more.hidden = left <= 0
    this.#more.textContent = `Show the other ${left}`
    this.#showAll = () => {
      this.#list.append(...elements.slice(shownFirst))
      this.#more.hidden = true
      elements[shownFirst]?.focus()
    }
  }
}

function textRow(passage: string, index: number): HTMLElement {
  return html(
    'li',
    { class: 'passage', 'data-index': index, tabindex: -1 },
    html('p', { class: 'passage-text' }, passage),
  )
}

function rankedRow(passage: string, index: number, score: number): HTMLElement {
  const share = Math.max(0, Math.min(1, score))
  return html(
    'li',
    { class: 'passage', 'data-index': index, tabindex: -1 },
    html(
      'div',
      { class: 'score' },
      html(
        'span',
        { class: 'score-bar', 'aria-hidden': 'true' },
        html('span', { style: `inline-size: ${share * 100}%` }),
      ),
      html('span', { class: 'visually-hidden' }, 'Match '),
      html('span', { class: 'score-number' }, share.toFixed(2)),
    ),
    html('p', { class: 'passage-text' }, passage),
  )
}

/** The space between sentences stays unmarked. */
function marked(sentence: string): (Node | string)[] {
  const text = sentence.trimEnd()
  return [html('mark', {}, text), sentence.slice(text.length)]
}
