/** The passages of one text with their vectors, made batch by batch. */
import type { TaskOutput } from 'edgeward'
import type { Answered } from '../record/record-panel.js'
import { addTimings } from '../record/phases.js'

export interface EmbedAnswer extends Answered {
  readonly output: TaskOutput<'feature-extraction'>
}

export type Embed = (texts: readonly string[], signal: AbortSignal) => Promise<EmbedAnswer>

export interface PassageIndex {
  readonly passages: readonly string[]
  readonly vectors: readonly Float32Array[]
  /** How the last of the requests was answered, with the timings of all. */
  readonly answered: Answered
}

/** Small, so that progress is seen and a query need not wait long; large enough to be worth a request. */
const batchSize = 8

/** @throws EdgewardError; the signal's reason when it aborts */
export async function indexPassages(
  passages: readonly string[],
  embed: Embed,
  signal: AbortSignal,
  onProgress: (done: number) => void,
): Promise<PassageIndex> {
  const vectors: Float32Array[] = []
  let answered: Answered | undefined
  for (let at = 0; at < passages.length; at += batchSize) {
    const { output, ...rest } = await embed(passages.slice(at, at + batchSize), signal)
    vectors.push(...output)
    answered = {
      placement: rest.placement,
      timings: answered ? addTimings(answered.timings, rest.timings) : rest.timings,
      attempts: [...(answered?.attempts ?? []), ...rest.attempts],
    }
    onProgress(vectors.length)
  }
  if (answered === undefined) throw new RangeError('there are no passages to index')
  return { passages, vectors, answered }
}
