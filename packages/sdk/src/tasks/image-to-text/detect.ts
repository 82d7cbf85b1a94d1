/** Finds the lines of text in a picture: PP-OCRv4 detection and the post-processing of Differentiable Binarization. */
import type { TaskContext } from '../../contract/index.js'
import { readFloats } from '../read-output.js'
import { boxOf, mapBox, type Box } from './box.js'
import { findComponents } from './components.js'
import type { GraphNames } from './graph-names.js'
import { rectAround, type RotatedRect } from './min-area-rect.js'
import { resize, writePlanes, type BgrScales, type RgbaImage } from './pixels.js'

/** The longer side of the picture that the graph sees, in pixels, at most (PaddleOCR, `det_limit_side_len`). */
const maxDetectionSide = 960

// PaddleOCR's defaults (tools/infer/utility.py, ppocr/postprocess/db_postprocess.py).
const pixelThreshold = 0.3
const boxThreshold = 0.6
const unclipRatio = 1.5
const minSide = 3
const maxCandidates = 1000

/** ImageNet's means and deviations, in the order that PaddleOCR applies them to a BGR picture. */
const scales: BgrScales = [
  { mean: 0.485, deviation: 0.229 },
  { mean: 0.456, deviation: 0.224 },
  { mean: 0.406, deviation: 0.225 },
]

/** The boxes of the lines in `image`, in its pixels, in no useful order. */
export async function detect(image: RgbaImage, graph: GraphNames, context: TaskContext): Promise<Box[]> {
  const { width, height } = detectionSize(image.width, image.height)
  const data = new Float32Array(3 * width * height)
  writePlanes(data, 0, width, resize(image, width, height), scales)
  const inputs = { [graph.input]: { dtype: 'float32' as const, shape: [1, 3, height, width], data } }
  const outputs = await context.infer(graph.name, inputs, [graph.output])
  const map = readFloats(outputs, graph.output, [1, 1, height, width]).data
  const [scaleX, scaleY] = [image.width / width, image.height / height]
  return findRects(map, width, height).map((rect) => mapBox(boxOf(rect), ([x, y]) => [x * scaleX, y * scaleY]))
}

/** The size that a picture is resized to: within the limit, both sides multiples of 32, as the graph's strides need. */
export function detectionSize(width: number, height: number): { width: number; height: number } {
  const ratio = Math.min(1, maxDetectionSide / Math.max(width, height))
  const fit = (side: number) => Math.max(32, Math.round((side * ratio) / 32) * 32)
  return { width: fit(width), height: fit(height) }
}

/**
 * The rectangles of text in a probability map (Liao et al., "Real-time Scene Text Detection with Differentiable
 * Binarization", 2020, §3.4; PaddleOCR, `DBPostProcess`): blobs above a threshold, the smallest rectangle around each,
 * dropped when small or improbable, and grown, since the graph is trained on shrunk text.
 */
export function findRects(map: Float32Array, width: number, height: number): RotatedRect[] {
  return findComponents(map, width, height, pixelThreshold)
    .slice(0, maxCandidates)
    .map(rectAround)
    .filter((rect) => Math.min(rect.width, rect.height) >= minSide)
    .filter((rect) => meanInside(map, width, height, rect) >= boxThreshold)
    .map(unclip)
    .filter((rect) => Math.min(rect.width, rect.height) >= minSide + 2)
}

/** The mean of the map over the pixels whose centres lie in the rectangle. */
export function meanInside(map: Float32Array, width: number, height: number, rect: RotatedRect): number {
  const { centre, axis } = rect
  const reachX = (rect.width * Math.abs(axis[0]) + rect.height * Math.abs(axis[1])) / 2
  const reachY = (rect.width * Math.abs(axis[1]) + rect.height * Math.abs(axis[0])) / 2
  let sum = 0
  let count = 0
  for (let y = Math.max(0, Math.floor(centre[1] - reachY)); y < Math.min(height, centre[1] + reachY); y += 1) {
    for (let x = Math.max(0, Math.floor(centre[0] - reachX)); x < Math.min(width, centre[0] + reachX); x += 1) {
      const [dx, dy] = [x + 0.5 - centre[0], y + 0.5 - centre[1]]
      const inside =
        Math.abs(dx * axis[0] + dy * axis[1]) <= rect.width / 2 &&
        Math.abs(dy * axis[0] - dx * axis[1]) <= rect.height / 2
      if (!inside) continue
      sum += map[y * width + x] ?? 0
      count += 1
    }
  }
  return count === 0 ? 0 : sum / count
}

/** Grows a rectangle on all sides by `area × ratio / perimeter` (the paper's offset D′ for its shrunk polygons). */
function unclip(rect: RotatedRect): RotatedRect {
  const distance = (rect.width * rect.height * unclipRatio) / (2 * (rect.width + rect.height))
  return { ...rect, width: rect.width + 2 * distance, height: rect.height + 2 * distance }
}
