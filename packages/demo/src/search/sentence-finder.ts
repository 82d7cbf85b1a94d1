/** Finds, in a passage, the sentence that is closest to a query; a sentence is embedded once. */
import type { Embed } from './passage-index.js'
import { rank } from './rank.js'
import { splitIntoSentences } from './split-text.js'

export class SentenceFinder {
  readonly #embed: Embed
  readonly #vectors = new Map<string, readonly Float32Array[]>()

  constructor(embed: Embed) {
    this.#embed = embed
  }

  async find(
    query: Float32Array,
    passage: string,
    signal: AbortSignal,
  ): Promise<{ readonly sentences: readonly string[]; readonly best: number }> {
    const sentences = splitIntoSentences(passage)
    if (sentences.length < 2) return { sentences, best: 0 }
    const vectors = this.#vectors.get(passage) ?? (await this.#embed(sentences, signal)).output
    this.#vectors.set(passage, vectors)
    return { sentences, best: rank(query, vectors)[0]?.index ?? 0 }
  }
}
