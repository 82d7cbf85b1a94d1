/** Puts lines in the order in which a reader meets them. */
import { boxHeight, type Box } from './box.js'

/**
 * Sorts by rows from top to bottom and within a row from left to right, as seen along the direction in which most of
 * the text runs: a page that is tilted or upside down reads in its own order. A line belongs to a row when its centre
 * is within half the smaller height of the row's first line. Columns are not told apart.
 */
export function inReadingOrder<Line extends { readonly box: Box }>(lines: readonly Line[]): Line[] {
  const [x, y] = mainDirection(lines.map(({ box }) => box))
  const placed = lines.map((line) => {
    const [cx, cy] = [(line.box[0][0] + line.box[2][0]) / 2, (line.box[0][1] + line.box[2][1]) / 2]
    return { line, along: cx * x + cy * y, across: cy * x - cx * y, height: boxHeight(line.box) }
  })
  placed.sort((a, b) => a.across - b.across)
  const rows: (typeof placed)[] = []
  for (const next of placed) {
    const row = rows.at(-1)
    const first = row?.[0]
    if (row && first && next.across - first.across < Math.min(first.height, next.height) / 2) row.push(next)
    else rows.push([next])
  }
  return rows.flatMap((row) => row.sort((a, b) => a.along - b.along)).map(({ line }) => line)
}

/** A reading direction; its length is its weight. */
type Direction = readonly [x: number, y: number]

const quarterTurns: readonly [Direction, ...Direction[]] = [
  [1, 0],
  [0, 1],
  [-1, 0],
  [0, -1],
]

/**
 * The mean direction of the lines of the quarter turn that most of the text is nearest to, as a unit vector. Another
 * quarter turn than upright needs twice the text: few pages lie on their side or head.
 */
function mainDirection(boxes: readonly Box[]): Direction {
  const directions = boxes.map(directionOf)
  const [upright, ...others] = quarterTurns.map((turn) => sumNear(directions, turn))
  const [x, y] = others.reduce(
    (best, next) => (Math.hypot(...next) > 2 * Math.hypot(...best) ? next : best),
    upright ?? quarterTurns[0],
  )
  const length = Math.hypot(x, y)
  return length === 0 ? quarterTurns[0] : [x / length, y / length]
}

/** The sum of the directions within 45° of `turn`. */
function sumNear(directions: readonly Direction[], [turnX, turnY]: Direction): Direction {
  const near = directions.filter(([x, y]) => x * turnX + y * turnY >= Math.abs(y * turnX - x * turnY))
  return near.reduce<Direction>(([sumX, sumY], [x, y]) => [sumX + x, sumY + y], [0, 0])
}

/** Weighted by aspect ratio, not by length: small print says as much about the page's direction as a headline. */
function directionOf(box: Box): Direction {
  const [[left, top], [right, bottom]] = box
  const height = Math.max(1, boxHeight(box))
  return [(right - left) / height, (bottom - top) / height]
}
