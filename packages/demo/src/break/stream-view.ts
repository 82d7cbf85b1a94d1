/** Shows the stream: a verdict, a strip of the last answers, and the numbers. */
import { byId, html } from '../dom.js'
import { count } from '../format.js'
import type { Outcome, Tally } from './answer-stream.js'

/** So many marks fit a narrow window. */
const mostMarks = 60
/** The least and the most that the height of a mark can tell, in milliseconds; logarithmic between. */
const heights = { fromMs: 4, toMs: 10_000 }
/** Fewer are always under way. */
const manyWaiting = 4

export class StreamView {
  readonly #verdict = byId('break-verdict', HTMLElement)
  readonly #strip = byId('break-strip', HTMLElement)
  readonly #button = byId('break-stream', HTMLButtonElement)
  readonly #numbers = byId('break-numbers', HTMLElement)

  constructor(onToggle: () => void) {
    this.#button.addEventListener('click', onToggle)
    this.#strip.replaceChildren(...Array.from({ length: mostMarks }, () => html('span')))
  }

  running(isRunning: boolean): void {
    this.#button.textContent = isRunning ? 'Stop' : 'Go on'
    this.#button.classList.toggle('primary', !isRunning)
  }

  tally(tally: Tally): void {
    this.#verdict.textContent = verdictOf(tally)
    this.#verdict.dataset['state'] = tally.lost + tally.wrong === 0 ? 'well' : 'bad'
    for (const [name, value] of Object.entries(tally)) {
      const place = this.#numbers.querySelector(`[data-number='${name}']`)
      if (place !== null) place.textContent = String(value)
    }
  }

  mark(outcome: Outcome): void {
    this.#strip.append(html('span', attributesOf(outcome)))
    this.#strip.firstElementChild?.remove()
  }
}

function verdictOf({ asked, answered, lost, wrong }: Tally): string {
  const waiting = asked - answered - lost
  if (answered + lost === 0)
    return waiting < manyWaiting ? 'Asking …' : `${count(waiting, 'request')} waiting for the model.`
  const settled = `${answered} of ${answered + lost} answered`
  const bad = [...(lost > 0 ? [`${lost} lost`] : []), ...(wrong > 0 ? [`${wrong} wrong`] : [])]
  const verdict = bad.length === 0 ? `Nothing was lost: ${settled}.` : `${bad.join(', ')}: ${settled}.`
  return waiting < manyWaiting ? verdict : `${verdict} ${waiting} waiting.`
}

function attributesOf(outcome: Outcome): Record<string, string | undefined> {
  if (outcome.is === 'lost') return { 'data-place': 'lost', style: 'block-size: 100%' }
  const { fromMs, toMs } = heights
  const share = Math.log(Math.max(outcome.ms, fromMs) / fromMs) / Math.log(toMs / fromMs)
  return {
    'data-place': outcome.placement.engine,
    'data-moved': outcome.attempts.length > 0 ? '' : undefined,
    style: `block-size: ${Math.round(8 + 92 * Math.min(1, share))}%`,
  }
}
