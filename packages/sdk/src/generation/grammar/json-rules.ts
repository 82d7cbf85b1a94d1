/** JSON in EBNF, as far as texts of it end: blanks are few, and numbers are finite. */

/** A blank, or a line break and its indentation: without a limit, small models write blanks for ever. */
const blanks = 'ws ::= " "? | "\\n" [ \\t]{0,20}'

/** An escape is never half of a character, so that lengths are counted in whole ones. */
const characters = [
  'char ::= plain | "\\\\" escape',
  'plain ::= [^"\\\\\\0-\\x1f]',
  'escape ::= ["\\\\/bfnrt] | "u" ([0-9a-cefA-CEF] hex hex hex | [dD] [0-7] hex hex)',
  'hex ::= [0-9a-fA-F]',
]

const values = [
  'any ::= object | array | string | number | "true" | "false" | "null"',
  'object ::= "{" ws "}" | "{" ws member ("," ws member)* ws "}"',
  'member ::= string ":" ws any',
  'array ::= "[" ws "]" | "[" ws any ("," ws any)* ws "]"',
  'string ::= "\\"" char* "\\""',
  'integer ::= "0" | "-"? [1-9] [0-9]{0,14}',
  'number ::= integer | "-"? ("0" | [1-9] [0-9]{0,14}) ("." [0-9]{1,15})? ([eE] [+-]? [0-9]{1,2})?',
]

/** Rules named `any`, `object`, `array`, `string`, `char`, `integer`, `number` and `ws`. */
export const jsonRules: readonly string[] = [blanks, ...characters, ...values]

/** A text as it is. */
export function literal(text: string): string {
  const escaped = text
    .replaceAll(/[\\"]/g, '\\$&')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
  return `"${escaped}"`
}
