/** The panel that is always in sight: where the last answer ran, why, how long it took, and what is being fetched. */
import { isEdgewardError, type Attempt, type Plan, type Result } from 'edgeward'
import type { Answering, DemoTask } from '../answering.js'
import { byId } from '../dom.js'
import { explainError } from '../explain-error.js'
import { formatMs } from '../format.js'
import { ActivityView } from './activity-view.js'
import { nameOf, whereOf } from './names.js'
import { showPhases } from './phases.js'
import { PlanSection } from './plan-section.js'

/** An answer without its output. */
export type Answered = Pick<Result<unknown>, 'placement' | 'timings' | 'attempts'>

export class RecordPanel {
  readonly #activity: ActivityView
  readonly #plan: PlanSection
  readonly #panel = byId('record', HTMLElement)
  readonly #where = byId('record-where', HTMLElement)
  readonly #detail = byId('record-detail', HTMLElement)
  readonly #total = byId('record-total', HTMLElement)
  readonly #phases = { bar: byId('record-bar', HTMLElement), list: byId('record-phases', HTMLElement) }
  #pending = 0

  constructor(answering: Answering) {
    this.#activity = new ActivityView(() => answering.cancel())
    this.#plan = new PlanSection(answering, (plan) => this.#settle(plan))
    answering.listen({
      onDownload: (progress) => this.#activity.download(progress),
      onReady: () => this.#activity.rest('The model is ready on this device'),
      onRequest: () => undefined,
    })
    showPhases(this.#phases, undefined)
    const toggle = byId('record-toggle', HTMLButtonElement)
    toggle.addEventListener('click', () => {
      const isOpen = this.#panel.toggleAttribute('data-open')
      toggle.setAttribute('aria-expanded', String(isOpen))
    })
  }

  /** Shows that something is asked; the returned function ends it, however it ends. */
  begin(task: DemoTask): () => void {
    this.#pending += 1
    this.#panel.dataset['state'] = 'busy'
    return () => {
      this.#pending -= 1
      if (this.#pending > 0) return
      delete this.#panel.dataset['state']
      void this.showPlan(task)
    }
  }

  show(task: DemoTask, what: string, { placement, timings, attempts }: Answered): void {
    const { detail } = nameOf(placement)
    this.#panel.dataset['engine'] = placement.engine
    this.#where.textContent = whereOf(placement)
    this.#detail.textContent = `${what} · ${detail}`
    this.#total.textContent = formatMs(timings.totalMs)
    showPhases(this.#phases, timings)
    this.#plan.note(task, { placement, attempts })
  }

  fail(task: DemoTask, error: unknown): void {
    delete this.#panel.dataset['engine']
    this.#where.textContent = 'No answer'
    this.#detail.textContent = explainError(error).sentence
    this.#total.textContent = ''
    showPhases(this.#phases, undefined)
    this.#plan.note(task, { placement: undefined, attempts: attemptsOf(error) })
  }

  /** Shows the plan of a task as it stands now. */
  showPlan(task: DemoTask): Promise<void> {
    return this.#plan.show(task)
  }

  /** A model may come while somebody waits for it, in the background, or not any more. */
  #settle({ placements }: Plan): void {
    const isLoading = placements.some(({ readiness }) => readiness === 'loading')
    this.#activity.isAwaited = placements[0]?.placement.engine === 'device'
    if (this.#pending === 0 && !isLoading) this.#activity.settle()
  }
}

/** The attempts that an error tells about: what the router tried before it gave up. */
function attemptsOf(error: unknown): readonly Attempt[] {
  if (!isEdgewardError(error)) return []
  const { attempts } = error.details
  // Made by this same page's SDK, as docs/errors.md says.
  return Array.isArray(attempts) ? (attempts as readonly Attempt[]) : []
}
