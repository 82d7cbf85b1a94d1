/** How long each phase of an answer took, as a bar and a table of numbers. */
import type { Timings } from 'edgeward'
import { html } from '../dom.js'
import { formatMs } from '../format.js'

const phases = [
  { key: 'loadMs', name: 'Load' },
  { key: 'queueMs', name: 'Queue' },
  { key: 'preprocessMs', name: 'Preprocess' },
  { key: 'inferenceMs', name: 'Inference' },
  { key: 'postprocessMs', name: 'Postprocess' },
] as const

interface Phase {
  readonly name: string
  readonly key: string
  readonly ms: number | undefined
}

export interface PhaseElements {
  readonly bar: Element
  readonly list: Element
}

/** All phases every time, so that nothing moves when one did not happen. */
export function showPhases({ bar, list }: PhaseElements, timings: Timings | undefined): void {
  const rows = phasesOf(timings)
  bar.replaceChildren(
    ...rows
      .filter(({ ms }) => ms !== undefined && ms > 0)
      .map(({ key, ms }) => html('span', { 'data-phase': key, style: `flex-grow: ${ms ?? 0}` })),
  )
  list.replaceChildren(
    ...rows.map(({ key, name, ms }) =>
      html('div', {}, html('dt', { 'data-phase': key }, name), html('dd', {}, ms === undefined ? '–' : formatMs(ms))),
    ),
  )
}

/** The sum of several answers' timings, for work that took several requests. */
export function addTimings(one: Timings, other: Timings): Timings {
  const sum: { -readonly [K in keyof Timings]: Timings[K] } = { totalMs: one.totalMs + other.totalMs }
  for (const { key } of phases) {
    if (one[key] !== undefined || other[key] !== undefined) sum[key] = (one[key] ?? 0) + (other[key] ?? 0)
  }
  return sum
}

function phasesOf(timings: Timings | undefined): readonly Phase[] {
  const measured = phases.map(({ key, name }) => ({ key, name, ms: timings?.[key] }))
  if (timings === undefined) return [...measured, { key: 'rest', name: 'The rest', ms: undefined }]
  const accounted = measured.reduce((sum, { ms }) => sum + (ms ?? 0), 0)
  return [...measured, { key: 'rest', name: 'The rest', ms: Math.max(0, timings.totalMs - accounted) }]
}
