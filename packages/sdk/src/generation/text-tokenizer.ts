/** A language model's tokenizer: texts to token ids and back, piece by piece. */
export interface TextTokenizer {
  /** How many ids there are: 0 to `size - 1`. */
  readonly size: number
  /** @param addSpecial - with the tokens that the tokenizer puts around a text, such as BOS; default: without */
  encode(text: string, options?: { readonly addSpecial?: boolean }): number[]
  /** All pieces' bytes together; control tokens have none. Bytes that are no UTF-8 become U+FFFD. */
  decode(ids: readonly number[]): string
  /** The bytes that a token stands for in a text: perhaps only a part of a character. */
  bytesOf(id: number): Uint8Array
  /** A token as the vocabulary spells it; undefined: there is none with this id. */
  tokenOf(id: number): string | undefined
  idOf(token: string): number | undefined
}
