/** The smallest rectangle, at any angle, around a blob. */
import type { Point } from '../../contract/index.js'
import type { Component } from './components.js'

/** A rectangle at an angle. `axis` is the unit vector along `width`; it points right, 45° up or down at the most. */
export interface RotatedRect {
  readonly centre: Point
  readonly axis: Point
  readonly width: number
  readonly height: number
}

/** The smallest rectangle around the pixels of a blob; pixel (x, y) covers the square from (x, y) to (x + 1, y + 1). */
export function rectAround(component: Component): RotatedRect {
  const corners = component.left.flatMap((left, row): Point[] => {
    const right = component.right[row] ?? left
    const y = component.top + row
    return [
      [left, y],
      [left, y + 1],
      [right, y],
      [right, y + 1],
    ]
  })
  return minAreaRect(convexHull(corners))
}

/** The corners of the convex hull in order, without those on its edges (A. M. Andrew's monotone chain, 1979). */
export function convexHull(points: readonly Point[]): Point[] {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1])
  const lower = halfHull(sorted)
  const upper = halfHull(sorted.reverse())
  return [...lower.slice(0, -1), ...upper.slice(0, -1)]
}

function halfHull(sorted: readonly Point[]): Point[] {
  const chain: Point[] = []
  for (const point of sorted) {
    for (let last = chain.at(-1), before = chain.at(-2); last && before; last = chain.at(-1), before = chain.at(-2)) {
      const turn = (last[0] - before[0]) * (point[1] - before[1]) - (last[1] - before[1]) * (point[0] - before[0])
      if (turn > 0) break
      chain.pop()
    }
    chain.push(point)
  }
  return chain
}

/**
 * The rectangle of least area around a convex hull. One of its sides lies on an edge of the hull (Freeman and Shapira,
 * 1975), so every edge's direction is tried: the hull of a blob has few.
 */
export function minAreaRect(hull: readonly Point[]): RotatedRect {
  let best: RotatedRect | undefined
  hull.forEach((from, index) => {
    const to = hull[(index + 1) % hull.length] ?? from
    const length = Math.hypot(to[0] - from[0], to[1] - from[1])
    if (length === 0) return
    const rect = rectAlong(hull, [(to[0] - from[0]) / length, (to[1] - from[1]) / length])
    if (best === undefined || rect.width * rect.height < best.width * best.height) best = rect
  })
  return best ?? { centre: hull[0] ?? [0, 0], axis: [1, 0], width: 0, height: 0 }
}

/** The rectangle around `points` with sides along and across `direction`. */
function rectAlong(points: readonly Point[], direction: Point): RotatedRect {
  const [x, y] = pointRight(direction)
  const along = points.map((point) => point[0] * x + point[1] * y)
  const across = points.map((point) => point[1] * x - point[0] * y)
  const [left, right, top, bottom] = [Math.min(...along), Math.max(...along), Math.min(...across), Math.max(...across)]
  const [u, v] = [(left + right) / 2, (top + bottom) / 2]
  return { centre: [u * x - v * y, u * y + v * x], axis: [x, y], width: right - left, height: bottom - top }
}

/** The one of a direction's four quarter turns that points right. */
function pointRight([x, y]: Point): Point {
  if (Math.abs(x) < Math.abs(y)) return y > 0 ? [y, -x] : [-y, x]
  return x > 0 ? [x, y] : [-x, -y]
}
