/** Shows a failure where the user was working: what went wrong, what to do, and the code in small print. */
import { html } from './dom.js'
import { explainError } from './explain-error.js'

export interface Notice {
  show(error: unknown): void
  clear(): void
}

/** @param retry - tries again what failed */
export function createNotice(place: HTMLElement, retry: () => void): Notice {
  const clear = () => place.replaceChildren()
  return {
    clear,
    show(error) {
      const { sentence, advice, code, message } = explainError(error)
      const button = html('button', { type: 'button', class: 'button' }, 'Try again')
      button.addEventListener('click', () => {
        clear()
        retry()
      })
      place.replaceChildren(
        html(
          'div',
          { class: 'notice' },
          html('p', { class: 'notice-sentence' }, sentence),
          html('p', {}, advice),
          button,
          html(
            'details',
            { class: 'small-print' },
            html('summary', {}, 'For the record: ', html('code', {}, code)),
            html('p', {}, message),
          ),
        ),
      )
    },
  }
}
