/** Greedy decoding of connectionist temporal classification. */

/** What one line's probabilities say. */
export interface DecodedLine {
  readonly text: string
  /** Mean probability of the characters, 0 to 1; 0 for a line without any. */
  readonly confidence: number
}

/**
 * Reads `probabilities`, row-major [steps, characters.length]: the most probable class of each step, without repeats
 * and then without blanks, which are class 0 (Graves et al., 2006, §3.2, best path; PaddleOCR, `CTCLabelDecode`).
 */
export function decodeCtc(probabilities: Float32Array, characters: readonly string[]): DecodedLine {
  const classes = characters.length
  let text = ''
  let sum = 0
  let count = 0
  let previous = 0
  for (let start = 0; start < probabilities.length; start += classes) {
    const best = argMax(probabilities, start, start + classes)
    if (best !== 0 && best !== previous) {
      text += characters[best] ?? ''
      sum += probabilities[start + best] ?? 0
      count += 1
    }
    previous = best
  }
  // Spaces around the line stand for its margins, not for text.
  return { text: text.trim(), confidence: count === 0 ? 0 : sum / count }
}

/** The index, counted from `start`, of the largest value before `end`; the first one of equals. */
function argMax(values: Float32Array, start: number, end: number): number {
  let best = start
  for (let i = start + 1; i < end; i += 1) {
    if ((values[i] ?? 0) > (values[best] ?? 0)) best = i
  }
  return best - start
}
