/** Shows what the user said, and lets it be said otherwise. */
import { html } from '../dom.js'

export class QuestionView {
  readonly element = html('div', { class: 'question' })
  readonly #onEdit: (text: string) => void
  #text: string

  /** @param onEdit - hears the text when it has been changed */
  constructor(text: string, onEdit: (text: string) => void) {
    this.#text = text
    this.#onEdit = onEdit
    this.#show()
  }

  #show(): HTMLButtonElement {
    const edit = html('button', { type: 'button', class: 'button small' }, 'Edit')
    edit.addEventListener('click', () => this.#edit())
    const title = html('h3', { class: 'visually-hidden' }, 'You')
    this.element.replaceChildren(title, html('p', { class: 'question-text' }, this.#text), edit)
    return edit
  }

  #edit(): void {
    const field = html('textarea', { 'aria-label': 'Your message', rows: 3 })
    field.value = this.#text
    const cancel = html('button', { type: 'button', class: 'button small' }, 'Cancel')
    const form = html(
      'form',
      { class: 'question-form' },
      field,
      html('div', { class: 'actions' }, html('button', { class: 'button small primary' }, 'Send again'), cancel),
    )
    cancel.addEventListener('click', () => this.#show().focus())
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      const text = field.value.trim()
      if (text === '') return
      this.#text = text
      this.#show().focus()
      this.#onEdit(text)
    })
    this.element.replaceChildren(form)
    field.focus()
  }
}
