/** A language model in the small: its logits are a hash of the tokens in its cache, and it checks that it is used as its contract says. */
import type { LanguageModel, Sequence } from '../../../../packages/sdk/src/generation/index.js'
import { randomAt } from '../../../../packages/sdk/src/generation/sampling/random.js'
import { eosId, vocabularySize } from './tiny-tokenizer.js'

export interface FakeModelOptions {
  readonly contextLength?: number
  /** How many of the last tokens decide what comes next; absent: all. Few make texts that repeat themselves. */
  readonly memory?: number
  /** Added to the logit of the end. */
  readonly eosBias?: number
  /** The ids that may come; absent: all. */
  readonly ids?: readonly number[]
  /** Called in each append, before anything is done. */
  readonly onAppend?: (ids: readonly number[], signal: AbortSignal) => void | Promise<void>
}

export class FakeModel implements LanguageModel {
  readonly config
  readonly live = new Set<Sequence>()
  /** How many tokens each append was given. */
  readonly appended: number[] = []
  readonly #options: FakeModelOptions

  constructor(options: FakeModelOptions = {}) {
    this.#options = options
    this.config = {
      architecture: 'fake',
      vocabularySize,
      contextLength: options.contextLength ?? 512,
      layers: 1,
      kvHeads: 1,
      headSize: 1,
      eosTokenIds: [eosId],
    }
  }

  createSequence(): Sequence {
    const sequence = new FakeSequence(
      this.#options,
      this.config.contextLength,
      (count) => this.appended.push(count),
      () => this.live.delete(sequence),
    )
    this.live.add(sequence)
    return sequence
  }
}

class FakeSequence implements Sequence {
  #ids: number[] = []
  #isRunning = false
  #isDisposed = false

  constructor(
    private readonly options: FakeModelOptions,
    private readonly contextLength: number,
    private readonly onAppended: (count: number) => void,
    private readonly onDispose: () => void,
  ) {}

  get length(): number {
    return this.#ids.length
  }

  async append(ids: readonly number[], keep: number, signal: AbortSignal): Promise<Float32Array> {
    this.#check(ids.length > 0, 'append needs ids')
    this.#check(keep >= 1 && keep <= ids.length, `keep is ${keep} of ${ids.length}`)
    this.#check(this.#ids.length + ids.length <= this.contextLength, 'the context is full')
    this.#check(
      ids.every((id) => Number.isInteger(id) && id >= 0 && id < vocabularySize),
      `no ids: ${ids.join()}`,
    )
    this.#isRunning = true
    try {
      await this.options.onAppend?.(ids, signal)
      await Promise.resolve()
      signal.throwIfAborted()
    } finally {
      this.#isRunning = false
    }
    this.onAppended(ids.length)
    const rows = new Float32Array(keep * vocabularySize)
    ids.forEach((id, at) => {
      this.#ids.push(id)
      const row = at - (ids.length - keep)
      if (row >= 0) rows.set(fakeLogits(this.#ids, this.options), row * vocabularySize)
    })
    return rows
  }

  truncate(length: number): void {
    this.#check(length >= 0 && length <= this.#ids.length, `truncate(${length}) of ${this.#ids.length}`)
    this.#ids.length = length
  }

  dispose(): void {
    this.#check(true, '')
    this.#isDisposed = true
    this.onDispose()
  }

  #check(isRight: boolean, what: string): void {
    if (this.#isDisposed) throw new Error('The sequence is disposed.')
    if (this.#isRunning) throw new Error('The sequence is running.')
    if (!isRight) throw new Error(`Against the contract: ${what}`)
  }
}

/** What the fake model says after some tokens. */
export function fakeLogits(
  ids: readonly number[],
  { memory, eosBias = -3, ids: allowed }: FakeModelOptions,
): Float32Array {
  const seed = (memory === undefined ? ids : ids.slice(-memory)).reduce(
    (hash, id) => Math.imul(hash ^ (id + 1), 0x01000193),
    7,
  )
  const row = Float32Array.from({ length: vocabularySize }, (_, id) => randomAt(seed, id) * 8)
  if (allowed) row.forEach((logit, id) => (row[id] = allowed.includes(id) ? logit : logit - 20))
  row[eosId] = (row[eosId] ?? 0) + eosBias
  return row
}
