/** Reading JSON as inference servers write it: integers beyond 2⁵³ without loss, and bare `NaN` and `Infinity`. */

const maxDepth = 64
const longInteger = /[[,:\s-]\d{16}/
const scalar = /NaN|-?Infinity|true|false|null|-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y
const space = /[ \t\n\r]*/y

/**
 * Parses JSON text as `JSON.parse` does, except that integers that a number cannot hold exactly become a `bigint`, and
 * that `NaN`, `Infinity` and `-Infinity` are numbers (Triton writes them).
 *
 * @throws SyntaxError when the text is neither.
 */
export function parseJson(text: string): unknown {
  if (!longInteger.test(text)) {
    try {
      return JSON.parse(text)
    } catch {
      // Perhaps only for a NaN: the slower reader below decides, and says where the text is wrong.
    }
  }
  return readDocument(text)
}

function readDocument(text: string): unknown {
  let at = 0

  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    const found = pattern.exec(text)
    if (found) at = pattern.lastIndex
    return found
  }
  const take = (character: string): boolean => {
    match(space)
    if (text[at] !== character) return false
    at += 1
    return true
  }
  const fail = (expected: string): SyntaxError => {
    const found = at < text.length ? JSON.stringify(text.slice(at, at + 10)) : 'the end of the text'
    return new SyntaxError(`expected ${expected} at position ${at} of the JSON, found ${found}`)
  }
  const list = <T>(close: string, item: () => T): T[] => {
    const items: T[] = []
    if (take(close)) return items
    do items.push(item())
    while (take(','))
    if (!take(close)) throw fail(`"," or "${close}"`)
    return items
  }
  const readString = (): string => {
    const start = at - 1
    for (;;) {
      const end = text.indexOf('"', at)
      if (end < 0) throw fail('the end of a string')
      at = end + 1
      let before = end - 1
      while (text[before] === '\\') before -= 1
      if ((end - before) % 2 === 1) return JSON.parse(text.slice(start, at)) as string
    }
  }
  const readEntry = (depth: number): [string, unknown] => {
    if (!take('"')) throw fail('a key')
    const key = readString()
    if (!take(':')) throw fail('":"')
    return [key, readValue(depth)]
  }
  const readValue = (depth: number): unknown => {
    if (depth > maxDepth) throw fail(`at most ${maxDepth} levels`)
    if (take('"')) return readString()
    if (take('[')) return list(']', () => readValue(depth + 1))
    // `fromEntries` makes even `__proto__` a plain key.
    if (take('{')) return Object.fromEntries(list('}', () => readEntry(depth + 1)))
    const found = match(scalar)
    if (!found) throw fail('a value')
    return scalarValue(found)
  }

  const document = readValue(0)
  match(space)
  if (at < text.length) throw fail('the end')
  return document
}

const words = new Map<string, unknown>([
  ['true', true],
  ['false', false],
  ['null', null],
])

function scalarValue([word, fraction, exponent]: RegExpExecArray): unknown {
  if (words.has(word)) return words.get(word)
  const number = Number(word)
  // No integer type has more than 20 digits; longer ones are only good for a float.
  const exact = fraction !== undefined || exponent !== undefined || Number.isSafeInteger(number) || word.length > 21
  return exact || !Number.isFinite(number) ? number : BigInt(word)
}

/**
 * Where the JSON object at the start of `bytes` ends: needed when CORS hides the header that says so. Looks for the
 * closing brace outside strings; the length of `bytes` when there is none.
 */
export function findJsonEnd(bytes: Uint8Array): number {
  let depth = 0
  let inString = false
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at]
    if (inString) {
      if (byte === 0x5c) at += 1
      else if (byte === 0x22) inString = false
    } else if (byte === 0x22) inString = true
    else if (byte === 0x7b) depth += 1
    else if (byte === 0x7d) {
      depth -= 1
      if (depth <= 0) return at + 1
    }
  }
  return bytes.length
}
