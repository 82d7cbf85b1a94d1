/** The lint rule that asks for a reason beside every non-null assertion. */
import { Linter } from 'eslint'
import tseslint from 'typescript-eslint'
import { expect, it } from 'vitest'
import { explainedNonNull } from '../../../tools/eslint/explained-non-null.mjs'

const countReports = (code: string) =>
  new Linter().verify(
    code,
    [
      {
        files: ['**/*.ts'],
        languageOptions: { parser: tseslint.parser },
        plugins: { local: { rules: { 'explained-non-null': explainedNonNull } } },
        rules: { 'local/explained-non-null': 'error' },
      },
    ],
    'file.ts',
  ).length

it('reports a non-null assertion that nothing explains', () => {
  expect(countReports('const first = list[0]!')).toBe(1)
  expect(countReports('// About something else.\n\nconst first = list[0]!')).toBe(1)
})

it('accepts a reason on the line or on the one above', () => {
  expect(countReports('const first = list[0]! // The schema asks for at least one.')).toBe(0)
  expect(countReports('// The schema asks for at least one.\nconst first = list[0]!')).toBe(0)
})
