/** Shows a plan: every placement in its order with its reason, then those ruled out. */
import type { Attempt, Placement, Plan } from 'edgeward'
import { html } from '../dom.js'
import { capitalise, formatMs } from '../format.js'
import { isSamePlace, nameOf } from './names.js'

/** What became of the last request, to mark the plan with. */
export interface Outcome {
  readonly placement: Placement | undefined
  readonly attempts: readonly Attempt[]
}

export function planRows({ placements, ruledOut }: Plan, { placement: used }: Outcome): HTMLElement[] {
  return [
    ...placements.map(({ placement, reason }, index) => {
      const isUsed = used !== undefined && isSamePlace(placement, used)
      return row(isUsed ? 'used' : 'open', String(index + 1), placement, reason, isUsed ? 'answered' : undefined)
    }),
    ...ruledOut.map(({ placement, reason }) => row('out', '×', placement, reason, 'ruled out')),
  ]
}

export function attemptRows(attempts: readonly Attempt[]): HTMLElement[] {
  return attempts.map(({ placement, code, message, durationMs }) =>
    row('failed', '!', placement, message, `${code}, after ${formatMs(durationMs)}`),
  )
}

function row(
  state: 'used' | 'open' | 'out' | 'failed',
  sign: string,
  placement: Parameters<typeof nameOf>[0],
  reason: string,
  remark: string | undefined,
): HTMLElement {
  const { place, detail } = nameOf(placement)
  return html(
    'li',
    { class: 'placement', 'data-state': state },
    html('span', { class: 'placement-sign', 'aria-hidden': 'true' }, sign),
    html(
      'div',
      {},
      html(
        'p',
        { class: 'placement-name' },
        html('strong', {}, place),
        ...(detail === '' ? [] : [' ', html('span', { class: 'placement-detail' }, detail)]),
        ...(remark === undefined ? [] : [' ', html('span', { class: 'placement-remark' }, remark)]),
      ),
      html('p', { class: 'placement-reason' }, capitalise(reason)),
    ),
  )
}
