/** Lays crops of lines out as the batches that the text graphs take. */
import type { TensorOf } from '../../contract/index.js'
import { boxHeight, boxWidth, type Box } from './box.js'
import { crop } from './crop.js'
import { writePlanes, type BgrScales, type RgbaImage } from './pixels.js'

/** The height of a line, in pixels, that PP-OCRv4's text graphs take. */
export const lineHeight = 48

/** PaddleOCR's `(value / 255 − 0.5) / 0.5`. */
const scale = { mean: 0.5, deviation: 0.5 }
const scales: BgrScales = [scale, scale, scale]

/** The width of a box's line once it is {@link lineHeight} high: at least 1 and at most `max`. */
export function lineWidth(box: Box, max: number): number {
  return Math.max(1, Math.min(max, Math.ceil((lineHeight * boxWidth(box)) / Math.max(1, boxHeight(box)))))
}

/** The lines in `boxes` as a float32 [boxes, 3, 48, width] tensor; narrower lines are followed by zeros. */
export function lineTensor(image: RgbaImage, boxes: readonly Box[], width: number): TensorOf<'float32'> {
  const data = new Float32Array(boxes.length * 3 * lineHeight * width)
  boxes.forEach((box, item) => {
    writePlanes(data, item, width, crop(image, box, lineWidth(box, width), lineHeight), scales)
  })
  return { dtype: 'float32', shape: [boxes.length, 3, lineHeight, width], data }
}
