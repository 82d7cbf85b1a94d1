/** The table of failures is made from the chaos tests, and every failure of the list has a row. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { failureRows, failuresDocument } from '../../../scripts/failures.mjs'

it('docs/failures.md is up to date: npm run failures', async () => {
  expect(readFileSync('docs/failures.md', 'utf8')).toBe(await failuresDocument())
})

it('has every failure once, by number', () => {
  const numbers = failureRows().map(({ row }) => row)
  expect(numbers.slice(0, 31)).toEqual(Array.from({ length: 31 }, (_, index) => index + 1))
  expect(new Set(numbers).size).toBe(numbers.length)
})
