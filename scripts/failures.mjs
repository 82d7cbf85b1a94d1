// @ts-check
/** `npm run failures`: writes docs/failures.md from the tests of test/chaos, which define each failure with `failure(…)`. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { format } from 'prettier'
import ts from 'typescript'
import { fromRoot } from './lib/root.mjs'

/**
 * A row of the table, as a test defines it.
 *
 * @typedef {object} FailureRow
 * @property {number} row
 * @property {string} name
 * @property {string} user
 * @property {string} edgeward
 * @property {string} injected
 * @property {string} file the test's
 */

const document = fromRoot('docs', 'failures.md')
const folder = fromRoot('test', 'chaos')
const columns = /** @type {const} */ (['name', 'user', 'edgeward', 'injected'])

const introduction = `# What can go wrong

Browsers fail in many ways. Each of them costs a request at most one try elsewhere: never the request, never a wrong answer,
never the page. A row says what fails, what a user of your page sees, what Edgeward does, and how the test injects it: with
real requests before, while and after, in a real Chromium with the real worker, cache and endpoint. Each client of these tests
has an endpoint; without one, what is "from the endpoint" below ends with an [error](errors.md) that says what to do.

What goes wrong with weights has [a table of its own](weights-failures.md). This page is made from the tests
(\`npm run failures\`): to change it, change them.
`

/** The rows of all tests, by their numbers. @returns {readonly FailureRow[]} */
export function failureRows() {
  const files = readdirSync(folder).filter((file) => file.endsWith('.chaos.ts'))
  return files.flatMap((file) => rowsIn(file, readFileSync(`${folder}/${file}`, 'utf8'))).sort((a, b) => a.row - b.row)
}

/** The text of the document. @returns {Promise<string>} */
export async function failuresDocument() {
  const head = '| | failure | the user sees | Edgeward | injected | test |\n| --- | --- | --- | --- | --- | --- |'
  const lines = failureRows().map(({ file, ...row }) => {
    const cells = columns.map((column) => row[column].replaceAll('|', '\\|'))
    return `| ${row.row} | ${cells.join(' | ')} | [${file.replace('.chaos.ts', '')}](../test/chaos/${file}) |`
  })
  // As the other wide tables: not aligned, so that a change of one row is a change of one line.
  const table = `<!-- prettier-ignore-start -->\n\n${[head, ...lines].join('\n')}\n\n<!-- prettier-ignore-end -->\n`
  const style = JSON.parse(readFileSync(fromRoot('.prettierrc.json'), 'utf8'))
  return format(`${introduction}\n${table}`, { ...style, parser: 'markdown' })
}

/** @param {string} file @param {string} source @returns {FailureRow[]} */
function rowsIn(file, source) {
  /** @type {FailureRow[]} */
  const rows = []
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (ts.isCallExpression(node) && node.expression.getText() === 'failure') rows.push(rowOf(file, node.arguments[0]))
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(file, source, ts.ScriptTarget.ESNext, true))
  return rows
}

/** @param {string} file @param {ts.Expression | undefined} literal @returns {FailureRow} */
function rowOf(file, literal) {
  /** @type {Record<string, string>} */
  const found = {}
  if (literal && ts.isObjectLiteralExpression(literal)) {
    for (const property of literal.properties) {
      if (!ts.isPropertyAssignment(property)) continue
      const { name, initializer } = property
      if (ts.isStringLiteralLike(initializer) || ts.isNumericLiteral(initializer))
        found[name.getText()] = initializer.text
    }
  }
  const { row, name, user, edgeward, injected } = found
  if (!row || !name || !user || !edgeward || !injected) {
    throw new Error(
      `a failure in ${file} must have row, name, user, edgeward and injected, as literals: ${literal?.getText()}`,
    )
  }
  return { row: Number(row), name, user, edgeward, injected, file }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(document, await failuresDocument())
  console.log(`wrote ${document}`)
}
