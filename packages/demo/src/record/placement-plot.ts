/** Draws what a placement is expected to take and what its last requests took, on the axis that all placements share. */
import type { Estimate, Range } from 'edgeward'
import { svg } from '../dom.js'
import { describePlot } from './describe-estimate.js'
import { positionOf, ticks } from './time-axis.js'

/** In pixels; widths are percentages of the axis. */
const height = 22
const bar = { y: 5, height: 12 }
/** A range of one number is still to be seen. */
const leastWidth = 1.2

export interface Plotted {
  readonly estimate: Estimate
  /** Of the last requests, in milliseconds, the newest last. */
  readonly times: readonly number[]
  readonly deadlineMs: number
}

export function placementPlot({ estimate, times, deadlineMs }: Plotted): SVGElement {
  const { readyMs, totalMs } = estimate
  return svg(
    'svg',
    { class: 'plot', height, role: 'img', 'aria-label': describePlot(estimate, times) },
    ...ticks.map(({ ms }) => line('plot-grid', ms)),
    ...(readyMs.typical < 1 ? [] : [range('plot-until-ready', { typical: 0, high: readyMs.typical })]),
    range('plot-estimate', totalMs),
    ...times.map((ms, at) => dot(ms, at === times.length - 1)),
    ...(deadlineMs === Infinity ? [] : [line('plot-deadline', deadlineMs)]),
  )
}

/** The labels of the axis. */
export function axisLabels(): SVGElement {
  return svg(
    'svg',
    { class: 'plot-axis', height: 14, 'aria-hidden': 'true' },
    ...ticks.map(({ ms, label }) => svg('text', { x: `${positionOf(ms)}%`, y: 11, 'text-anchor': 'middle' }, label)),
  )
}

function range(name: string, { typical, high }: Range): SVGElement {
  const [from, to] = [positionOf(typical), positionOf(high)]
  const width = Math.max(leastWidth, to - from)
  // One that would begin at the right end is still drawn within the axis.
  const x = Math.min(from, 100 - width)
  return svg('rect', { class: name, x: `${x}%`, width: `${width}%`, ...bar, rx: 2 })
}

function line(name: string, ms: number): SVGElement {
  const x = `${positionOf(ms)}%`
  return svg('line', { class: name, x1: x, x2: x, y1: 0, y2: height })
}

function dot(ms: number, isNewest: boolean): SVGElement {
  const name = isNewest ? 'plot-newest' : 'plot-time'
  return svg('circle', { class: name, cx: `${positionOf(ms)}%`, cy: height / 2, r: isNewest ? 4.5 : 2.5 })
}
