/** JSON is read as JSON.parse reads it, but for long integers and numbers that JSON does not have. */
import { describe, expect, it } from 'vitest'
import { findJsonEnd, parseJson } from '../../../packages/sdk/src/remote/oip/json.js'

describe('parseJson', () => {
  it.each<[string, unknown]>([
    ['[9007199254740993]', [9007199254740993n]],
    ['[-9223372036854775808,18446744073709551615]', [-(2n ** 63n), 2n ** 64n - 1n]],
    ['[9007199254740991, 1234567890123456.5, 12500000000000000e1]', [9007199254740991, 1234567890123456.5, 1.25e17]],
    ['[NaN,Infinity,-Infinity,1e999]', [null, Infinity, -Infinity, Infinity]],
    ['{"a":"NaN, 12345678901234567890","b":NaN}', { a: 'NaN, 12345678901234567890', b: null }],
    ['["\\\\","\\"NaN\\u00e9\\n",NaN]', ['\\', '"NaNé\n', null]],
    [
      ' { "a" : [ ] , "b" : { } , "c" : [ true , false , null , -0.5e-1 , NaN ] } ',
      { a: [], b: {}, c: [true, false, null, -0.05, null] },
    ],
  ])('reads %s', (text, value) => {
    expect(parseJson(text)).toEqual(value)
  })

  it('leaves an integer that is too long for any dtype to the floats', () => {
    expect(parseJson(`[1${'0'.repeat(400)}]`)).toEqual([Infinity])
    expect(parseJson(`[1${'0'.repeat(30)}]`)).toEqual([1e30])
  })

  it('reads __proto__ as a key like any other', () => {
    const value = parseJson('{"__proto__":NaN}') as object
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect(Object.entries(value)).toEqual([['__proto__', null]])
  })

  it.each([
    '',
    '[1,]',
    '[,1]',
    '{"a"}',
    '{a:1}',
    '[1 2]',
    '"a',
    '"a\\"',
    '[01]',
    '[+1]',
    '[.5]',
    '[NaNN]',
    '[-NaN]',
    '[1]x',
    '[nan]',
    '"\n"',
  ])('refuses %j', (text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError)
  })

  it('reads a long text with a NaN in time that grows with its length only', () => {
    const texts = Array.from({ length: 50_000 }, (_, index) => `\\"${index}\\\\`)
    expect(parseJson(`[NaN,"${texts.join('","')}"]`)).toHaveLength(50_001)
    expect(() => parseJson(`[NaN,"${'\\"'.repeat(500_000)}`)).toThrow(SyntaxError)
  })
})

it('finds the end of an object outside strings', () => {
  const end = (text: string) => findJsonEnd(new TextEncoder().encode(text))
  expect(end('{}}')).toBe(2)
  expect(end('{"a":"}\\"}","b":{}}rest}')).toBe(19)
  expect(end('{"é":1}x')).toBe(8)
  expect(end('{"a":1')).toBe(6)
})
