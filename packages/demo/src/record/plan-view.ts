/** Shows a plan: every placement in its order with its plot and its reason, then those ruled out. */
import type { Attempt, Placement, Plan, PlannedPlacement } from 'edgeward'
import { html } from '../dom.js'
import { capitalise, formatMs } from '../format.js'
import { describeBasis, describeReadiness } from './describe-estimate.js'
import { isSamePlace, nameOf } from './names.js'
import { placementPlot } from './placement-plot.js'

/** What became of the last request, to mark the plan with. */
export interface Outcome {
  readonly placement: Placement | undefined
  readonly attempts: readonly Attempt[]
}

/** What a plan is shown with. */
export interface Surroundings {
  readonly outcome: Outcome
  /** How long the last requests took there, in milliseconds, the newest last. */
  readonly timesOf: (placement: Placement) => readonly number[]
  /** Of the bytes of the model that is being loaded, 0 to 1; undefined while that cannot be said. */
  readonly loadedShare: number | undefined
  readonly deadlineMs: number
}

export function planRows({ placements, ruledOut }: Plan, surroundings: Surroundings): HTMLElement[] {
  return [
    ...placements.map((planned, index) => plannedRow(planned, String(index + 1), surroundings)),
    ...ruledOut.map(({ placement, reason }) => row('out', '×', placement, reason, 'ruled out')),
  ]
}

export function shiftRows({ shifts }: Plan): HTMLElement[] {
  return shifts.map((shift) => html('li', {}, capitalise(shift)))
}

export function attemptRows(attempts: readonly Attempt[]): HTMLElement[] {
  return attempts.map(({ placement, code, message, durationMs }) =>
    row('failed', '!', placement, message, `${code}, after ${formatMs(durationMs)}`),
  )
}

function plannedRow(planned: PlannedPlacement, sign: string, surroundings: Surroundings): HTMLElement {
  const { placement, reason, estimate } = planned
  const { outcome, timesOf, loadedShare, deadlineMs } = surroundings
  const isUsed = outcome.placement !== undefined && isSamePlace(placement, outcome.placement)
  const standing = [describeReadiness(planned, loadedShare), describeBasis(estimate)].join(' · ')
  return row(
    isUsed ? 'used' : 'open',
    sign,
    placement,
    reason,
    isUsed ? 'answered' : undefined,
    placementPlot({ estimate, times: timesOf(placement), deadlineMs }),
    html('p', { class: 'placement-standing' }, capitalise(standing)),
  )
}

function row(
  state: 'used' | 'open' | 'out' | 'failed',
  sign: string,
  placement: Parameters<typeof nameOf>[0],
  reason: string,
  remark: string | undefined,
  ...plot: readonly Element[]
): HTMLElement {
  const { place, detail } = nameOf(placement)
  return html(
    'li',
    { class: 'placement', 'data-state': state },
    html(
      'p',
      { class: 'placement-name' },
      html('span', { class: 'placement-sign', 'aria-hidden': 'true' }, sign),
      html('strong', {}, place),
      ...(detail === '' ? [] : [' ', html('span', { class: 'placement-detail' }, detail)]),
      ...(remark === undefined ? [] : [' ', html('span', { class: 'placement-remark' }, remark)]),
    ),
    ...plot,
    html('p', { class: 'placement-reason' }, capitalise(reason)),
  )
}
