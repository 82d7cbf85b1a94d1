import { readFileSync, readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { quote } from '../../bench/support/report.mjs'
import { median } from '../../bench/support/statistics.mjs'

const results = readdirSync('test/bench/results').filter((file) => file.endsWith('.md'))

test.each(results)('the README quotes %s as it was measured last', (file) => {
  const readme = readFileSync('README.md', 'utf8')
  const table = readFileSync(`test/bench/results/${file}`, 'utf8')
  const name = file.replace(/\.md$/, '')
  expect(readme).toContain(`<!-- bench:${name} -->`)
  expect(quote(readme, name, table)).toBe(readme)
})

test('the median of an even number of samples is the mean of the middle two', () => {
  expect(median([4, 1, 3, 2])).toBe(2.5)
  expect(median([5, 1, 3])).toBe(3)
})
