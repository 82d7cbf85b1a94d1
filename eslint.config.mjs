/** ESLint: types are checked strictly, rooms keep to their table, modules have no cycles, no failure is swallowed. */
// @ts-check
import js from '@eslint/js'
import { defineConfig, globalIgnores } from 'eslint/config'
import { createNodeResolver, importX } from 'eslint-plugin-import-x'
import tseslint from 'typescript-eslint'
import { explainedNonNull } from './tools/eslint/explained-non-null.mjs'
import { roomImports } from './tools/eslint/room-imports.mjs'

const typeScript = ['**/*.ts']
const tests = ['test/**/*.ts']

const swallowedFailure = {
  selector: 'CatchClause > BlockStatement[body.length=0]',
  message: 'A failure is handled, reported or rethrown; it is never swallowed.',
}
const noEnum = { selector: 'TSEnumDeclaration', message: 'Use a union of string literals.' }
const noDefaultExport = { selector: 'ExportDefaultDeclaration', message: 'Library code exports by name.' }

export default defineConfig([
  globalIgnores(['**/dist', '**/.models', '**/.venv', '**/.cache', 'test/fixtures', 'test-results']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    rules: {
      eqeqeq: 'error',
      'no-undef': 'off', // TypeScript knows better which names exist.
      'no-restricted-syntax': ['error', swallowedFailure, noEnum],
    },
  },
  {
    files: typeScript,
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { local: { rules: { 'explained-non-null': explainedNonNull, 'room-imports': roomImports } } },
    rules: {
      'local/explained-non-null': 'error',
      'local/room-imports': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      '@typescript-eslint/no-invalid-void-type': 'off', // `void | Promise<void>` is what a listener may return.
      '@typescript-eslint/no-non-null-assertion': 'off', // local/explained-non-null asks for the reason instead.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-generated-empty-object-type': 'off', // Record<never, never>: a task without options.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/require-await': 'off', // A contract may be asynchronous where one implementation is not.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/unbound-method': 'off', // Interfaces here use method signatures; most are no methods of classes.
    },
  },
  {
    files: ['packages/*/src/**/*.ts'],
    plugins: { 'import-x': /** @type {any} */ (importX) },
    settings: {
      'import-x/resolver-next': [createNodeResolver({ extensionAlias: { '.js': ['.ts', '.js'] } })],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
      'import-x/extensions': ['.ts', '.js'],
    },
    rules: {
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      'max-lines': ['error', { max: 200, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 50, skipBlankLines: true, skipComments: true }],
      'no-console': 'error',
      'no-restricted-syntax': ['error', swallowedFailure, noEnum, noDefaultExport],
    },
  },
  {
    files: ['packages/sdk/src/**/*.ts'],
    rules: {
      // The platform's types promise what is absent in Node, in workers and in older browsers.
      '@typescript-eslint/no-unnecessary-condition': 'off',
    },
  },
  {
    files: ['packages/server/src/**/*.ts', 'packages/demo/src/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [{ group: ['**/sdk/src/**', '**/sdk/dist/**'], message: 'Import the package "edgeward" instead.' }],
        },
      ],
    },
  },
  {
    files: tests,
    rules: {
      'local/explained-non-null': 'off', // A test that is wrong about this fails.
      // What a test reads from JSON is judged by its expectations.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-dynamic-delete': 'off',
      '@typescript-eslint/no-empty-function': 'off',
    },
  },
])
