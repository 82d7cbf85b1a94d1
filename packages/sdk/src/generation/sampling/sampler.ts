/** Chooses an answer's next token; everything that the choice depends on is a function of the request and of the tokens so far. */
import type { TokenLogprob } from '../../contract/index.js'
import type { Constraint } from '../constraint.js'
import { draw, type DrawOptions } from './draw.js'
import { greedy } from './largest.js'
import { logprobOf } from './logprobs.js'
import { Penalties, type PenaltyOptions } from './penalties.js'
import { randomAt } from './random.js'

export interface SamplerOptions extends DrawOptions, PenaltyOptions {
  readonly seed: number
  readonly logprobs: boolean
  readonly topLogprobs: number
}

/** A token that was chosen. */
export interface Choice {
  readonly id: number
  readonly logprob?: TokenLogprob
}

interface SamplerContext {
  readonly promptIds: readonly number[]
  readonly textOf: (id: number) => string
  readonly constraint?: Constraint | undefined
}

export class Sampler {
  readonly #options: SamplerOptions
  readonly #context: SamplerContext
  readonly #penalties: Penalties
  #scratch = new Float32Array()
  #position = 0

  constructor(options: SamplerOptions, context: SamplerContext) {
    this.#options = options
    this.#context = context
    this.#penalties = new Penalties(options, context.promptIds)
  }

  /**
   * @param logits - read before this returns: they need not hold while a constraint is asked
   * @returns the token that comes next, which is part of the text from now on; at once where there is no constraint
   */
  choose(logits: Float32Array): Choice | Promise<Choice> {
    const { constraint } = this.#context
    if (constraint) return this.#chooseAllowed(logits.slice(), constraint)
    return this.#take(this.#penalties.areNeutral ? logits : this.#penalised(logits), logits)
  }

  /** Takes a token that is in the answer already. */
  accept(id: number): void {
    this.#penalties.accept(id)
    this.#context.constraint?.accept(id)
    this.#position += 1
  }

  async #chooseAllowed(logits: Float32Array, constraint: Constraint): Promise<Choice> {
    const allowed = this.#penalised(logits)
    await constraint.mask(allowed)
    return this.#take(allowed, logits)
  }

  /** A copy: the model's logits are its own. */
  #penalised(logits: Float32Array): Float32Array {
    if (this.#scratch.length !== logits.length) this.#scratch = new Float32Array(logits.length)
    this.#scratch.set(logits)
    this.#penalties.apply(this.#scratch)
    return this.#scratch
  }

  /** @param logits - as the model gave them */
  #take(shaped: Float32Array, logits: Float32Array): Choice {
    const id = this.#pick(shaped)
    const { logprobs, topLogprobs } = this.#options
    this.accept(id)
    return logprobs ? { id, logprob: logprobOf(logits, id, topLogprobs, this.#context.textOf) } : { id }
  }

  #pick(logits: Float32Array): number {
    const { temperature, seed } = this.#options
    return temperature === 0 ? greedy(logits) : draw(logits, this.#options, randomAt(seed, this.#position))
  }
}
