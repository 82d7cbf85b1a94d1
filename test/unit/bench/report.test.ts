import { readFileSync, readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { describeRows, quote } from '../../bench/support/report.mjs'
import { median, quartiles } from '../../bench/support/statistics.mjs'

const results = readdirSync('test/bench/results').filter((file) => file.endsWith('.md'))

const guides = new Map([
  ['containment.md', 'docs/comparison.md'],
  ['generation.md', 'docs/text-generation.md'],
])

test.each(results)('the README, or a guide, quotes %s as it was measured last', (file) => {
  const document = guides.get(file) ?? 'README.md'
  const text = readFileSync(document, 'utf8')
  const table = readFileSync(`test/bench/results/${file}`, 'utf8')
  const name = file.replace(/\.md$/, '')
  expect(text).toContain(`<!-- bench:${name} -->`)
  expect(quote(text, name, table)).toBe(text)
})

test('the median of an even number of samples is the mean of the middle two', () => {
  expect(median([4, 1, 3, 2])).toBe(2.5)
  expect(median([5, 1, 3])).toBe(3)
})

test('the quartiles lie between samples in proportion', () => {
  expect(quartiles([5, 1, 2, 3, 4])).toEqual([2, 4])
  expect(quartiles([4, 1, 3, 2])).toEqual([1.75, 3.25])
  expect(quartiles([7])).toEqual([7, 7])
})

test('a row says what it missed, and nothing where nothing was promised', () => {
  const row = { what: 'a load', ours: 1234, peer: 1000, peerName: 'bare', unit: 'ms', ratio: 1.234 }
  const table = describeRows([{ ...row, oursQuartiles: [1200, 1300], target: 'ratio ≤ 1.1', met: false }, row])
  expect(table).toContain('| a load | 1230 ms (1200–1300) | 1000 ms | bare | 1.23 | ratio ≤ 1.1 | no |')
  expect(table).toContain('| a load | 1230 ms | 1000 ms | bare | 1.23 |  |  |')
})
