/** The guides to the weights cache name tests that exist, and every call that there is. */
import { existsSync, readFileSync } from 'node:fs'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { testNamesIn } from '../../support/test-names.js'

const failures = readFileSync('docs/weights-failures.md', 'utf8')
const guide = readFileSync('docs/weights.md', 'utf8')

/** The rows of all tables, without their heads. */
const rows = failures
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .map((line) => line.split(' | '))
  .filter(([first = '']) => !/^\| (?:failure$|---)/.test(first))

describe('the table of failures', () => {
  it('has rows of a failure, what happens, and tests', () => {
    expect(rows.length).toBeGreaterThan(60)
    for (const row of rows) expect(row).toHaveLength(3)
  })

  it.each(rows.flatMap(([failure = '', , tests = '']) => references(tests).map((test) => [failure, test] as const)))(
    '%s → %s',
    (_, reference) => expect(problemOf(reference)).toBeUndefined(),
  )

  it.each([
    ['browser/hub: no such test', 'there is no test "no such test" in test/browser/hub.test.ts'],
    ['browser/no-such-file: a test', 'there is no file test/browser/no-such-file.test.ts'],
    ['browser/weights-cache: a stored chunk that sings is fetched again and stored right', 'sings'],
  ])('finds that %s is not there', (reference, problem) => expect(problemOf(reference)).toContain(problem))
})

it('the guide has every call of models, and no other', () => {
  const contract = readFileSync('packages/sdk/src/contract/storage.ts', 'utf8')
  const source = ts.createSourceFile('storage.ts', contract, ts.ScriptTarget.ESNext)
  const calls = source.statements
    .filter(ts.isInterfaceDeclaration)
    .filter(({ name }) => name.text === 'ModelCache')
    .flatMap(({ members }) => members.map(({ name }) => name?.getText(source)))
  const table = guide.split('\n').filter((line) => line.startsWith('| `models.'))
  const documented = table.flatMap((line) => [...(line.split(' | ')[0] ?? '').matchAll(/`(?:models\.)?(\w+)\(/g)])
  expect(documented.map(([, name]) => name).sort()).toEqual(calls.sort())
})

/** Such as `browser/hub: two clients that pin at once download once`; a cell has them a line each. */
function references(cell: string): readonly string[] {
  return cell.replace(/ \|$/, '').replaceAll('`', '').split('<br>')
}

/** What is wrong with a reference: no such file, no such test, or a case that the test does not have. */
function problemOf(reference: string): string | undefined {
  const [name = '', ...rest] = reference.split(': ')
  const title = rest.join(': ')
  const file = `test/${name}.${name.startsWith('e2e/') ? 'spec' : 'test'}.ts`
  if (!existsSync(file)) return `there is no file ${file}`
  const source = readFileSync(file, 'utf8')
  const named = [...testNamesIn(source)].filter((test) => test !== '…')
  const cases = named.flatMap((test) => {
    const found = new RegExp(`^${test.split('…').map(escape).join('(.+)')}$`).exec(title)
    return found ? [found.slice(1).filter((value) => value !== '…')] : []
  })
  if (cases.length === 0) return `there is no test "${title}" in ${file}`
  const unknown = cases.map((values) => values.find((value) => !source.includes(value)))
  return unknown.includes(undefined) ? undefined : `${file} has no case "${unknown.join('", "')}"`
}

function escape(text: string): string {
  return text.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&')
}
