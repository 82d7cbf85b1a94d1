/** Reading JSON as inference servers write it: integers beyond 2⁵³ without loss, and bare `NaN` and `Infinity`. */

const longIntegerSomewhere = /[[,:\s-]\d{16}/
const notFiniteSomewhere = /NaN|Infinity/
const longInteger = /^-?[1-9]\d{15,19}$/
const token = /\\.|"|NaN|Infinity|-?\d[\d.eE+-]*/gs

/**
 * Parses JSON text as `JSON.parse` does, except that integers that a number cannot hold exactly become a `bigint`, and
 * that bare `NaN` (which Triton writes) is read as `null`, `Infinity` and `-Infinity` as such.
 *
 * @throws SyntaxError when the text is neither.
 */
export function parseJson(text: string): unknown {
  if (longIntegerSomewhere.test(text)) return JSON.parse(toStandard(text), reviveLongInteger)
  try {
    return JSON.parse(text)
  } catch (error) {
    if (!notFiniteSomewhere.test(text)) throw error
    return JSON.parse(toStandard(text))
  }
}

/** Rewrites what stands outside strings and is no JSON: `NaN` as null, infinity as 1e999, a long integer as an object. */
function toStandard(text: string): string {
  let inString = false
  return text.replace(token, (found) => {
    if (found === '"') inString = !inString
    if (inString) return found
    if (found === 'NaN') return 'null'
    if (found === 'Infinity') return '1e999'
    return longInteger.test(found) && !Number.isSafeInteger(Number(found)) ? `{"":"${found}"}` : found
  })
}

function reviveLongInteger(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('' in value)) return value
  const digits = value['']
  return typeof digits === 'string' && longInteger.test(digits) ? BigInt(digits) : value
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
