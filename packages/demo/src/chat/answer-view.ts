/** Shows an answer: its text, underlined by who wrote it, what happened meanwhile, and its numbers. */
import { html } from '../dom.js'
import { formatMs } from '../format.js'
import type { Answer } from './answer.js'
import { describeEnding } from './describe-ending.js'
import { underlined } from './underline.js'

/** Once it is there; until then the text is shown as it is. */
let renderMarkdown: typeof import('./markdown.js').renderMarkdown | undefined

/** Fetches what shows Markdown; nothing needs it before the first answer. */
export async function loadMarkdown(): Promise<void> {
  ;({ renderMarkdown } = await import('./markdown.js'))
}

export class AnswerView {
  readonly element: HTMLElement
  readonly #text = html('div', { class: 'answer-text' })
  readonly #happenings = html('ol', { class: 'log', 'aria-label': 'What happened while it was written' })
  readonly #numbers = html('p', { class: 'answer-numbers' })
  #frame: number | undefined

  /** @param onAgain - has the answer written anew */
  constructor(onAgain: () => void) {
    const again = html('button', { type: 'button', class: 'button small again' }, 'Regenerate')
    again.addEventListener('click', onAgain)
    this.element = html(
      'div',
      { class: 'answer' },
      html('h3', { class: 'visually-hidden' }, 'Answer'),
      this.#text,
      html('div', { class: 'answer-line' }, this.#numbers, again),
      this.#happenings,
    )
  }

  /** Begins with another answer. */
  restart(answer: Answer): void {
    this.#happenings.replaceChildren()
    this.draw(answer)
  }

  /**
   * Shows the answer as it is at the next frame: texts come faster than anybody reads.
   *
   * @param before - called right before; what it returns is called right behind
   */
  drawSoon(answer: Answer, before: () => () => void = () => () => undefined): void {
    this.#frame ??= requestAnimationFrame(() => {
      const after = before()
      this.draw(answer)
      after()
    })
  }

  draw(answer: Answer): void {
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame)
    this.#frame = undefined
    const { text, stretches, ending, happenings } = answer
    this.element.dataset['state'] = ending.is
    this.#text.replaceChildren(...(renderMarkdown ?? asItIs)(text, stretches))
    this.#numbers.textContent = describeEnding(answer)
    for (const { ms, kind, sentence } of happenings.slice(this.#happenings.childElementCount)) {
      const time = html('span', { class: 'log-time' }, formatMs(ms))
      this.#happenings.append(html('li', { 'data-kind': kind }, time, ' ', html('span', {}, sentence)))
    }
  }
}

const asItIs: typeof import('./markdown.js').renderMarkdown = (text, stretches) => [
  html('p', { class: 'as-it-is' }, ...underlined(text, 0, stretches)),
]
