/** What a text must be, as the sampler sees it: which tokens may come next. */
import type { GenerationInput, GenerationOptions } from '../contract/index.js'
import type { TextTokenizer } from './text-tokenizer.js'

/** One answer's state of a grammar. */
export interface Constraint {
  /** Sets the logits of tokens that may not come next to -Infinity. Where the text may end here, the EOS tokens stay. */
  mask(logits: Float32Array): void | Promise<void>
  /** Takes the next token of the answer; also those of a resume, one by one. */
  accept(id: number): void
  /** Nothing may follow: the answer ends without an EOS token. */
  readonly isComplete: boolean
  dispose(): void
}

/** Makes the constraint that a request asks for; undefined: any text is right. */
export type ConstraintFactory = (
  request: { readonly input: GenerationInput; readonly options: GenerationOptions },
  tokenizer: TextTokenizer,
) => Promise<Constraint | undefined>
