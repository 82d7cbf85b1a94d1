/** Puts a text together from tokens that may end in the middle of a character. */
import { decodeBytes, type TextTokenizer } from './text-tokenizer.js'
import { Utf8Border } from './utf8-border.js'

/** Some tokens whose text is whole. */
export interface TextPiece {
  readonly text: string
  readonly tokenIds: readonly number[]
}

/** Linear in the number of tokens: only those of the character in the making are held. */
export class TextAssembler {
  readonly #tokenizer: Pick<TextTokenizer, 'bytesOf'>
  readonly #border = new Utf8Border()
  #ids: number[] = []
  #bytes: Uint8Array[] = []

  constructor(tokenizer: Pick<TextTokenizer, 'bytesOf'>) {
    this.#tokenizer = tokenizer
  }

  /** @returns the tokens since the last whole character, this one included; undefined while a character is unfinished */
  push(id: number): TextPiece | undefined {
    const bytes = this.#tokenizer.bytesOf(id)
    this.#ids.push(id)
    this.#bytes.push(bytes)
    if (!this.#border.push(bytes)) return undefined
    const piece = { text: decodeBytes(this.#bytes), tokenIds: this.#ids }
    this.#ids = []
    this.#bytes = []
    return piece
  }
}
