/** A language model's tokenizer: texts to token ids and back, byte by byte. */
import { Tokenizer } from '@huggingface/tokenizers'
import { EdgewardError, messageOf } from '../errors/index.js'
import { concatBytes } from '../shared/index.js'
import { byteLevelBytes, sentencePieceBytes } from './token-bytes.js'

export interface TextTokenizer {
  /** @param addSpecial - with the tokens that the tokenizer puts around a text, such as BOS; default: without */
  encode(text: string, options?: { readonly addSpecial?: boolean }): number[]
  /** The bytes of all tokens, read as one text; control tokens have none. Bytes that are no UTF-8 become U+FFFD. */
  decode(ids: readonly number[]): string
  /** The bytes that a token stands for in a text: perhaps only a part of a character. */
  bytesOf(id: number): Uint8Array
  /** A token as the vocabulary spells it; undefined: there is none with this id. */
  tokenOf(id: number): string | undefined
  idOf(token: string): number | undefined
}

/**
 * @param json - tokenizer.json, parsed
 * @param config - tokenizer_config.json, parsed
 * @param markup - control tokens that are shown in texts all the same, since the model's format is read from them
 * @throws EdgewardError MODEL_UNSUPPORTED when no tokenizer can be made of the files
 */
export function createTextTokenizer(json: object, config: object, markup: readonly string[] = []): TextTokenizer {
  const library = createLibraryTokenizer(json, config)
  const added = new Map([...library.get_added_tokens_decoder()])
  const bytesOfToken = isByteLevel(json) ? byteLevelBytes : sentencePieceBytes
  const cache = new Map<number, Uint8Array>()

  const makeBytes = (id: number): Uint8Array => {
    const special = added.get(id)
    if (special?.special && !markup.includes(special.content)) return new Uint8Array()
    if (special) return new TextEncoder().encode(special.content)
    const token = library.id_to_token(id)
    return token === undefined ? new Uint8Array() : bytesOfToken(token)
  }
  const bytesOf = (id: number): Uint8Array => {
    const known = cache.get(id)
    if (known) return known
    const bytes = makeBytes(id)
    cache.set(id, bytes)
    return bytes
  }
  return {
    encode: (text, { addSpecial = false } = {}) =>
      text === '' && !addSpecial ? [] : library.encode(text, { add_special_tokens: addSpecial }).ids.map(Number),
    decode: (ids) => decodeBytes(ids.map(bytesOf)),
    bytesOf,
    tokenOf: (id) => library.id_to_token(id),
    idOf: (token) => library.token_to_id(token),
  }
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

/** Reads chunks of bytes as one text. */
export function decodeBytes(chunks: readonly Uint8Array[]): string {
  return utf8.decode(concatBytes(chunks))
}

/** The part of `Tokenizer` that is used here: its own declarations import without extensions, so Node cannot see them. */
interface LibraryTokenizer {
  encode(text: string, options: { add_special_tokens: boolean }): { readonly ids: readonly (number | bigint)[] }
  id_to_token(id: number): string | undefined
  token_to_id(token: string): number | undefined
  get_added_tokens_decoder(): ReadonlyMap<number, { readonly content: string; readonly special: boolean }>
}

function createLibraryTokenizer(json: object, config: object): LibraryTokenizer {
  const Library = Tokenizer as new (json: object, config: object) => LibraryTokenizer
  try {
    return new Library(json, config)
  } catch (cause) {
    const message = `No tokenizer can be made of the model's tokenizer.json: ${messageOf(cause)}`
    throw new EdgewardError('MODEL_UNSUPPORTED', message, { cause })
  }
}

/** Whether the vocabulary spells bytes as GPT-2 does; else as SentencePiece does. */
function isByteLevel(json: object): boolean {
  const { decoder } = json as { readonly decoder?: { readonly type?: string; readonly decoders?: readonly object[] } }
  if (decoder?.type === 'Sequence') return decoder.decoders?.some((part) => isByteLevel({ decoder: part })) ?? false
  return decoder?.type === 'ByteLevel'
}
