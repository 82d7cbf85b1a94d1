/** The panel that is always in sight: where the last answer ran, why, how long it took, and what is being fetched. */
import { isEdgewardError, type Attempt, type Result } from 'edgeward'
import type { Answering, DemoTask } from '../answering.js'
import { byId, html } from '../dom.js'
import { explainError } from '../explain-error.js'
import { formatMs } from '../format.js'
import { ActivityView } from './activity-view.js'
import { nameOf, whereOf } from './names.js'
import { showPhases } from './phases.js'
import { attemptRows, planRows, type Outcome } from './plan-view.js'

/** An answer without its output. */
export type Answered = Pick<Result<unknown>, 'placement' | 'timings' | 'attempts'>

const nothingYet: Outcome = { placement: undefined, attempts: [] }

export class RecordPanel {
  readonly #answering: Answering
  readonly #activity: ActivityView
  readonly #panel = byId('record', HTMLElement)
  readonly #where = byId('record-where', HTMLElement)
  readonly #detail = byId('record-detail', HTMLElement)
  readonly #total = byId('record-total', HTMLElement)
  readonly #phases = { bar: byId('record-bar', HTMLElement), list: byId('record-phases', HTMLElement) }
  readonly #plan = byId('record-plan', HTMLElement)
  readonly #attempts = byId('record-attempts', HTMLElement)
  readonly #attemptsSection = byId('record-attempts-section', HTMLElement)
  #outcomes: { [T in DemoTask]?: Outcome } = {}
  #pending = 0
  #turn = 0

  constructor(answering: Answering) {
    this.#answering = answering
    this.#activity = new ActivityView(() => answering.cancel())
    answering.onDownload((progress) => this.#activity.download(progress))
    answering.onReady(() => this.#activity.rest('The model is ready on this device'))
    showPhases(this.#phases, undefined)
    const toggle = byId('record-toggle', HTMLButtonElement)
    toggle.addEventListener('click', () => {
      const isOpen = this.#panel.toggleAttribute('data-open')
      toggle.setAttribute('aria-expanded', String(isOpen))
    })
  }

  /** Shows that something is asked; the returned function ends it, however it ends. */
  begin(): () => void {
    this.#pending += 1
    this.#panel.dataset['state'] = 'busy'
    return () => {
      this.#pending -= 1
      if (this.#pending > 0) return
      delete this.#panel.dataset['state']
      this.#activity.settle()
    }
  }

  show(task: DemoTask, what: string, { placement, timings, attempts }: Answered): void {
    const { detail } = nameOf(placement)
    this.#panel.dataset['engine'] = placement.engine
    this.#where.textContent = whereOf(placement)
    this.#detail.textContent = `${what} · ${detail}`
    this.#total.textContent = formatMs(timings.totalMs)
    showPhases(this.#phases, timings)
    this.#outcomes[task] = { placement, attempts }
    void this.showPlan(task)
  }

  fail(task: DemoTask, error: unknown): void {
    delete this.#panel.dataset['engine']
    this.#where.textContent = 'No answer'
    this.#detail.textContent = explainError(error).sentence
    this.#total.textContent = ''
    showPhases(this.#phases, undefined)
    this.#outcomes[task] = { placement: undefined, attempts: attemptsOf(error) }
    void this.showPlan(task)
  }

  /** Shows the plan of a task as it stands now. */
  async showPlan(task: DemoTask): Promise<void> {
    const turn = (this.#turn += 1)
    const outcome = this.#outcomes[task] ?? nothingYet
    const rows = await this.#answering.explain(task).then(
      (plan) => planRows(plan, outcome),
      (error: unknown) => [html('li', {}, explainError(error).sentence)],
    )
    if (turn !== this.#turn) return
    this.#plan.replaceChildren(...rows)
    this.#attempts.replaceChildren(...attemptRows(outcome.attempts))
    this.#attemptsSection.hidden = outcome.attempts.length === 0
  }
}

/** The attempts that an error tells about: what the router tried before it gave up. */
function attemptsOf(error: unknown): readonly Attempt[] {
  if (!isEdgewardError(error)) return []
  const { attempts } = error.details
  // Made by this same page's SDK, as docs/errors.md says.
  return Array.isArray(attempts) ? (attempts as readonly Attempt[]) : []
}
