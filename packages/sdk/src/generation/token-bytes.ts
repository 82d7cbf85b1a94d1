/** How vocabularies spell bytes: as GPT-2 does, with a printable character for each; or as SentencePiece does, with `<0x0A>`. */

/** The bytes of a token of a byte-level vocabulary; a token with other characters in it stands for itself. */
export function byteLevelBytes(token: string): Uint8Array {
  const bytes: number[] = []
  for (const character of token) {
    const byte = byteOfCharacter.get(character)
    if (byte === undefined) return utf8.encode(token)
    bytes.push(byte)
  }
  return Uint8Array.from(bytes)
}

/** The bytes of a token of a SentencePiece vocabulary with byte fallback. */
export function sentencePieceBytes(token: string): Uint8Array {
  const byte = /^<0x([0-9A-F]{2})>$/i.exec(token)?.[1]
  return byte === undefined ? utf8.encode(token.replaceAll('\u2581', ' ')) : Uint8Array.of(Number.parseInt(byte, 16))
}

const utf8 = new TextEncoder()

/** `bytes_to_unicode` of GPT-2's encoder.py: printable bytes are themselves, the others follow from U+0100 on, in order. */
const byteOfCharacter: ReadonlyMap<string, number> = new Map(
  (() => {
    const isPrintable = (byte: number) =>
      (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae
    let others = 0
    return Array.from({ length: 256 }, (_, byte): [string, number] => [
      String.fromCharCode(isPrintable(byte) ? byte : 0x100 + others++),
      byte,
    ])
  })(),
)
