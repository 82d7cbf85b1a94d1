/** Reads the text of lines: PP-OCRv4 recognition. */
import type { TaskContext } from '../../contract/index.js'
import { readFloats } from '../read-output.js'
import { boxHeight, widened, type Box } from './box.js'
import { decodeCtc, type DecodedLine } from './ctc.js'
import type { GraphNames } from './graph-names.js'
import { lineTensor, lineWidth } from './line-batches.js'
import type { RgbaImage } from './pixels.js'

/**
 * What a line's crop has more than its box at both ends, in heights of the line. Without it, full stops at the end and
 * spaces get lost. This and the narrow padding below are measured: of 161 rendered lines (six fonts, 13 to 40 pixels),
 * 156 were read exactly, against 148 with PaddleOCR's tight crops in a width of at least 320, and 127 with padding of
 * more than half the line's width, as PaddleOCR's batches of mixed widths have.
 */
const margin = 0.15

/** A longer line is squeezed into this width: 53 times its height. */
const maxWidth = 2560

/** Widths are rounded up to this, so that a GPU meets few shapes: it compiles its shaders for each. */
const widthStep = 32

/** The most pixels of width in a batch; bounds the answer, which is 26.5 kB for 8 pixels. */
const maxBatchWidth = 1920

/** The texts of the lines in `boxes`, in the order of the boxes. */
export async function recognise(
  image: RgbaImage,
  boxes: readonly Box[],
  characters: readonly string[],
  graph: GraphNames,
  context: TaskContext,
): Promise<DecodedLine[]> {
  const lines: DecodedLine[] = []
  for (const { width, members } of planLineBatches(boxes)) {
    context.signal.throwIfAborted()
    const tensor = lineTensor(
      image,
      members.map(({ box }) => box),
      width,
    )
    const outputs = await context.infer(graph.name, { [graph.input]: tensor }, [graph.output])
    const { data, shape } = readFloats(outputs, graph.output, [members.length, undefined, characters.length])
    const size = (shape[1] ?? 0) * characters.length
    members.forEach(({ index }, row) => {
      lines[index] = decodeCtc(data.subarray(row * size, (row + 1) * size), characters)
    })
  }
  return lines
}

interface LineBatch {
  readonly width: number
  readonly members: { readonly box: Box; readonly index: number }[]
}

/** Batches of lines of one padded width, at most {@link maxBatchWidth} together, one line at least. */
function planLineBatches(boxes: readonly Box[]): LineBatch[] {
  const batches: LineBatch[] = []
  const open = new Map<number, LineBatch>()
  boxes.forEach((tight, index) => {
    const box = widened(tight, margin * boxHeight(tight))
    const width = Math.ceil(lineWidth(box, maxWidth) / widthStep) * widthStep
    const batch = open.get(width)
    if (batch !== undefined && (batch.members.length + 1) * width <= maxBatchWidth) {
      batch.members.push({ box, index })
      return
    }
    const fresh = { width, members: [{ box, index }] }
    open.set(width, fresh)
    batches.push(fresh)
  })
  return batches
}
