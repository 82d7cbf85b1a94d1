/** From a picture's pixels to its lines of text: detection, orientation and recognition in turn. */
import type { TaskContext, TextLine } from '../../contract/index.js'
import { detect } from './detect.js'
import type { GraphNames } from './graph-names.js'
import { orient } from './orient.js'
import type { RgbaImage } from './pixels.js'
import { inReadingOrder } from './reading-order.js'
import { recognise } from './recognise.js'

/** Lines read with less confidence are no text (PaddleOCR, `drop_score`). */
const minConfidence = 0.5

/** What an OCR model's manifest says. */
export interface OcrModel {
  readonly detection: GraphNames
  /** Absent: lines are taken to stand upright. */
  readonly classification: GraphNames | undefined
  readonly recognition: GraphNames
  /** The recognition's classes: the blank first, as an empty string. */
  readonly characters: readonly string[]
}

/** The lines of text in `image`, in reading order, with boxes in its pixels. */
export async function readPage(image: RgbaImage, model: OcrModel, context: TaskContext): Promise<TextLine[]> {
  const found = await detect(image, model.detection, context)
  const boxes = model.classification ? await orient(image, found, model.classification, context) : found
  const read = await recognise(image, boxes, model.characters, model.recognition, context)
  const lines = boxes.map((box, index) => ({ text: '', confidence: 0, ...read[index], box }))
  return inReadingOrder(lines.filter(({ confidence }) => confidence >= minConfidence))
}
