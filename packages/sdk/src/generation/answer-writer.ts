/** Makes an answer's text of its tokens, up to a stop string. */
import type { GenerationEvent } from '../contract/index.js'
import type { Choice } from './sampling/sampler.js'
import { StopFilter, type AnswerPiece } from './stop.js'
import { TextAssembler } from './text-assembler.js'
import type { TextTokenizer } from './text-tokenizer.js'

type Delta = Extract<GenerationEvent, { type: 'delta' }>

/** What a token adds to the answer. */
export interface Written {
  readonly deltas: readonly Delta[]
  /** A stop string ended the answer. */
  readonly isStopped: boolean
}

export class AnswerWriter {
  readonly #assembler: TextAssembler
  readonly #stop: StopFilter
  /** Of the tokens whose text is not whole. */
  #logprobs: NonNullable<Choice['logprob']>[] = []

  /** @param before - what of the answer is written already */
  constructor(tokenizer: TextTokenizer, stops: readonly string[], before: string) {
    this.#assembler = new TextAssembler(tokenizer)
    this.#stop = new StopFilter(stops, before)
  }

  push({ id, logprob }: Choice): Written {
    if (logprob) this.#logprobs.push(logprob)
    const piece = this.#assembler.push(id)
    if (!piece) return { deltas: [], isStopped: false }
    const logprobs = this.#logprobs
    this.#logprobs = []
    const { pieces, last } = this.#stop.push(logprobs.length > 0 ? { ...piece, logprobs } : piece)
    if (last === undefined) return { deltas: together(pieces), isStopped: false }
    // A part of a token: nobody can go on behind it, and nobody has to.
    const rest: Delta[] = last === '' ? [] : [{ type: 'delta', text: last }]
    return { deltas: [...together(pieces), ...rest], isStopped: true }
  }

  /** What was held back, when the answer ends otherwise; a character that is not whole stays away. */
  flush(): readonly Delta[] {
    return together(this.#stop.flush())
  }
}

function together(pieces: readonly AnswerPiece[]): Delta[] {
  if (pieces.length === 0) return []
  const logprobs = pieces.flatMap((piece) => piece.logprobs ?? [])
  const text = pieces.map((piece) => piece.text).join('')
  const tokenIds = pieces.flatMap((piece) => piece.tokenIds)
  return [{ type: 'delta', text, tokenIds, ...(logprobs.length > 0 && { logprobs }) }]
}
