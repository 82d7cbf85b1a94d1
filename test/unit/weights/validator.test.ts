/** What of an answer's headers tells which content it is. */
import { describe, expect, test } from 'vitest'
import { hasChanged, validatorOf } from '../../../packages/sdk/src/weights/validator.js'

const date = 'Mon, 01 Jan 2024 00:00:00 GMT'
const validator = (headers: [string, string][]) => validatorOf(new Response(null, { headers }))

describe('the validator of an answer', () => {
  test.each<[string, [string, string][], string | undefined]>([
    ['a strong ETag', [['ETag', '"a"']], '"a"'],
    [
      'a strong ETag rather than a date',
      [
        ['Last-Modified', date],
        ['ETag', '"a"'],
      ],
      '"a"',
    ],
    [
      'the date where the ETag is weak',
      [
        ['ETag', 'W/"a"'],
        ['Last-Modified', date],
      ],
      date,
    ],
    [
      'the date where the ETag has no quotes',
      [
        ['ETag', 'a'],
        ['Last-Modified', date],
      ],
      date,
    ],
    [
      'the date where there are two ETags',
      [
        ['ETag', '"a"'],
        ['ETag', '"b"'],
        ['Last-Modified', date],
      ],
      date,
    ],
    ['nothing where the only ETag is weak', [['ETag', 'W/"a"']], undefined],
    ['nothing where both are missing', [], undefined],
  ])('is %s', (_, headers, expected) => {
    expect(validator(headers)).toBe(expected)
  })
})

describe('a file has changed', () => {
  test.each<[string | undefined, string | undefined, boolean]>([
    ['"a"', '"b"', true],
    ['"a"', '"a"', false],
    [date, 'Tue, 02 Jan 2024 00:00:00 GMT', true],
    ['"a"', date, false],
    [undefined, '"a"', false],
    ['"a"', undefined, false],
  ])('from %j to %j: %j', (before, now, expected) => {
    expect(hasChanged(before, now)).toBe(expected)
  })
})
