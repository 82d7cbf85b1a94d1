/** "Why there": the plan of the current task as it stands now, drawn again whenever something has changed it. */
import type { DownloadProgress, Plan, Trace } from 'edgeward'
import { models, type Answering, type DemoTask } from '../answering.js'
import { byId, html } from '../dom.js'
import { explainError } from '../explain-error.js'
import { axisLabels } from './placement-plot.js'
import { attemptRows, planRows, shiftRows, type Outcome } from './plan-view.js'
import { RequestHistory } from './request-history.js'

const nothingYet: Outcome = { placement: undefined, attempts: [] }
/** A download tells of itself many times a second; reading the plan asks the cache. */
const redrawAfterMs = 250

export class PlanSection {
  readonly #answering: Answering
  readonly #onPlan: (plan: Plan) => void
  readonly #plan = byId('record-plan', HTMLElement)
  readonly #shifts = byId('record-shifts', HTMLElement)
  readonly #attempts = byId('record-attempts', HTMLElement)
  readonly #attemptsSection = byId('record-attempts-section', HTMLElement)
  readonly #history = new RequestHistory()
  readonly #outcomes: { [T in DemoTask]?: Outcome } = {}
  readonly #loadedShares = new Map<string, number>()
  #task: DemoTask = 'feature-extraction'
  #turn = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  /** @param onPlan - hears of each plan that is shown */
  constructor(answering: Answering, onPlan: (plan: Plan) => void) {
    this.#answering = answering
    this.#onPlan = onPlan
    byId('record-axis', HTMLElement).replaceChildren(axisLabels())
    answering.listen({
      onDownload: (progress) => this.#sawDownload(progress),
      onReady: () => this.#redrawSoon(),
      onRequest: (trace) => this.#sawRequest(trace),
    })
  }

  /** What became of a task's last request. */
  note(task: DemoTask, outcome: Outcome): void {
    this.#outcomes[task] = outcome
    void this.show(task)
  }

  /** Shows the plan of a task, from now on. */
  async show(task: DemoTask): Promise<void> {
    this.#task = task
    clearTimeout(this.#timer)
    this.#timer = undefined
    const turn = (this.#turn += 1)
    try {
      const plan = await this.#answering.explain(task)
      if (turn === this.#turn) this.#draw(plan)
    } catch (error) {
      if (turn === this.#turn) this.#plan.replaceChildren(html('li', {}, explainError(error).sentence))
    }
  }

  #draw(plan: Plan): void {
    const outcome = this.#outcomes[this.#task] ?? nothingYet
    const model = models[this.#task]
    const rows = planRows(plan, {
      outcome,
      timesOf: (placement) => this.#history.timesOf(model, placement),
      loadedShare: this.#loadedShares.get(model),
      deadlineMs: this.#answering.wishes.deadlineMs,
    })
    this.#plan.replaceChildren(...rows)
    this.#shifts.replaceChildren(...shiftRows(plan))
    this.#shifts.hidden = plan.shifts.length === 0
    this.#attempts.replaceChildren(...attemptRows(outcome.attempts))
    this.#attemptsSection.hidden = outcome.attempts.length === 0
    this.#onPlan(plan)
  }

  #sawDownload({ model, loadedBytes, totalBytes }: DownloadProgress): void {
    if (totalBytes > 0) this.#loadedShares.set(model, loadedBytes / totalBytes)
    else this.#loadedShares.delete(model)
    this.#redrawSoon()
  }

  #sawRequest(trace: Trace): void {
    this.#history.add(trace)
    this.#redrawSoon()
  }

  #redrawSoon(): void {
    this.#timer ??= setTimeout(() => void this.show(this.#task), redrawAfterMs)
  }
}
