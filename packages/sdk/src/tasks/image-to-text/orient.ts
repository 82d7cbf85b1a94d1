/** Tells upside-down lines and turns them around: PP-OCR's angle classification. */
import type { TaskContext } from '../../contract/index.js'
import { readFloats } from '../read-output.js'
import { turnedAround, type Box } from './box.js'
import type { GraphNames } from './graph-names.js'
import { lineTensor } from './line-batches.js'
import type { RgbaImage } from './pixels.js'

// PaddleOCR's defaults: `cls_image_shape`, `cls_thresh`.
const inputWidth = 192
const turnThreshold = 0.9
const batchSize = 16

/** The boxes, each turned around when the graph is sure that its line stands on its head. */
export async function orient(
  image: RgbaImage,
  boxes: readonly Box[],
  graph: GraphNames,
  context: TaskContext,
): Promise<Box[]> {
  const oriented: Box[] = []
  for (let start = 0; start < boxes.length; start += batchSize) {
    context.signal.throwIfAborted()
    const batch = boxes.slice(start, start + batchSize)
    const inputs = { [graph.input]: lineTensor(image, batch, inputWidth) }
    const outputs = await context.infer(graph.name, inputs, [graph.output])
    // Probabilities of 0° and 180°.
    const { data } = readFloats(outputs, graph.output, [batch.length, 2])
    oriented.push(...batch.map((box, row) => ((data[row * 2 + 1] ?? 0) > turnThreshold ? turnedAround(box) : box)))
  }
  return oriented
}
