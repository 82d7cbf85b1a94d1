/** The box of a line of text: four corners in reading direction. */
import type { Point, TextLine } from '../../contract/index.js'
import type { RotatedRect } from './min-area-rect.js'

/** Top left, top right, bottom right, bottom left, as the reader of the line sees them. */
export type Box = TextLine['box']

/** From this height to width on, a box holds a line that runs downwards (PaddleOCR, `get_rotate_crop_image`). */
const downwardsRatio = 1.5

/** The box of a rectangle. A tall one is taken for a line turned clockwise by a quarter. */
export function boxOf({ centre: [x, y], axis: [ux, uy], width, height }: RotatedRect): Box {
  const corner = (along: number, across: number): Point => [
    x + (along * width * ux) / 2 - (across * height * uy) / 2,
    y + (along * width * uy) / 2 + (across * height * ux) / 2,
  ]
  const [topLeft, topRight, bottomRight, bottomLeft] = [corner(-1, -1), corner(1, -1), corner(1, 1), corner(-1, 1)]
  return height >= width * downwardsRatio
    ? [topRight, bottomRight, bottomLeft, topLeft]
    : [topLeft, topRight, bottomRight, bottomLeft]
}

/** The same box read from the other side, as when a page lies upside down. */
export function turnedAround([a, b, c, d]: Box): Box {
  return [c, d, a, b]
}

/** The box with each point replaced. */
export function mapBox([a, b, c, d]: Box, replace: (point: Point) => Point): Box {
  return [replace(a), replace(b), replace(c), replace(d)]
}

/** Length along the reading direction. */
export function boxWidth([topLeft, topRight]: Box): number {
  return Math.hypot(topRight[0] - topLeft[0], topRight[1] - topLeft[1])
}

/** Length across the reading direction. */
export function boxHeight([topLeft, , , bottomLeft]: Box): number {
  return Math.hypot(bottomLeft[0] - topLeft[0], bottomLeft[1] - topLeft[1])
}

/** The box with `length` more at both ends of its line. */
export function widened([topLeft, topRight, bottomRight, bottomLeft]: Box, length: number): Box {
  const share = length / boxWidth([topLeft, topRight, bottomRight, bottomLeft])
  const before = (from: Point, to: Point): Point => [
    from[0] - (to[0] - from[0]) * share,
    from[1] - (to[1] - from[1]) * share,
  ]
  return [
    before(topLeft, topRight),
    before(topRight, topLeft),
    before(bottomRight, bottomLeft),
    before(bottomLeft, bottomRight),
  ]
}
