/** Says in EBNF which decimal numbers lie in a range: the engine's own way lets others through. */

/** Whole numbers of more digits are not exact in JavaScript; JSON texts with much longer ones are infinite there. */
const mostDigits = 15
const mostWhole = 10 ** mostDigits - 1

/** Both ends belong to it. */
export interface NumberRange {
  readonly min?: number
  readonly max?: number
}

/** The integers of a range, up to 15 digits; undefined: there is none. */
export function integersIn({ min = -mostWhole, max = mostWhole }: NumberRange): string | undefined {
  return wholesIn(Math.max(Math.ceil(min), -mostWhole), Math.min(Math.floor(max), mostWhole), 0)
}

/** The whole numbers from `first` to `last`, with a point before the last `decimals` digits. */
function wholesIn(first: number, last: number, decimals: number): string | undefined {
  if (first > last) return undefined
  const ways: string[] = []
  // Zero stands among the positive ones: -0 is none of them.
  if (first < 0) ways.push(`"-" (${digitsIn(Math.max(1, -last), -first, decimals)})`)
  if (last >= 0) ways.push(digitsIn(Math.max(0, first), last, decimals))
  return `(${ways.join(' | ')})`
}

function digitsIn(first: number, last: number, decimals: number): string {
  const ways: string[] = []
  for (let from = first; from <= last;) {
    const length = Math.max(String(from).length, decimals + 1)
    // What begins with 0 stands alone: the engine mixes up digits of which some may begin otherwise than others.
    const isBelowOne = from < 10 ** decimals
    const to = Math.min(last, isBelowOne ? 10 ** decimals - 1 : 10 ** length - 1)
    ways.push(between(written(from, length, decimals), written(to, length, decimals)))
    from = to + 1
  }
  return ways.join(' | ')
}

function written(value: number, length: number, decimals: number): string {
  const digits = String(value).padStart(length, '0')
  return decimals === 0 ? digits : `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`
}

/** What lies between two texts of the same form. */
function between(low: string, high: string): string {
  const [lowest, highest] = [low.charAt(0), high.charAt(0)]
  if (low === high) return `"${low}"`
  if (lowest === highest) return `"${lowest}" (${between(low.slice(1), high.slice(1))})`
  const rest = low.slice(1)
  if (rest === '') return `[${lowest}-${highest}]`
  const [isLowFree, isHighFree] = [/^[0.]*$/.test(rest), /^[9.]*$/.test(high.slice(1))]
  const ways = [
    ...(isLowFree ? [] : [`"${lowest}" (${between(rest, rest.replaceAll(/\d/g, '9'))})`]),
    ...(isHighFree ? [] : [`"${highest}" (${between(rest.replaceAll(/\d/g, '0'), high.slice(1))})`]),
  ]
  const [from, to] = [Number(lowest) + (isLowFree ? 0 : 1), Number(highest) - (isHighFree ? 0 : 1)]
  if (from <= to) ways.push(`[${from}-${to}] ${anyOf(rest)}`)
  return ways.join(' | ')
}

/** Any digits, where these are. */
function anyOf(form: string): string {
  return form.replaceAll(/\d+/g, (digits) => ' [0-9]'.repeat(digits.length)).replace('.', ' "."')
}
