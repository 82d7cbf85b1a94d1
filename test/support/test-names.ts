/** Finds the names of the tests in a file, as they stand in its source. */
import ts from 'typescript'

/**
 * The names of a file's groups and tests, each behind those of the groups around it. What differs from case to case
 * (`%s`, `$name`, `${value}`) is "…".
 */
export function testNamesIn(source: string): ReadonlySet<string> {
  const names = new Set<string>()
  const visit = (node: ts.Node, group: readonly string[]): void => {
    const title = ts.isCallExpression(node) ? titleOf(node) : undefined
    const path = title === undefined ? group : [...group, title]
    if (title !== undefined) names.add(path.join(' '))
    ts.forEachChild(node, (child) => visit(child, path))
  }
  visit(ts.createSourceFile('test.ts', source, ts.ScriptTarget.ESNext), [])
  return names
}

/** The title of `test('…')`, `describe.each(cases)('…')` and the like. */
function titleOf({ expression, arguments: [title] }: ts.CallExpression): string | undefined {
  if (title === undefined || !['test', 'it', 'describe'].includes(rootOf(expression))) return undefined
  if (ts.isStringLiteralLike(title)) return title.text.replaceAll(/%[a-z]|\$\w+/g, '…')
  if (!ts.isTemplateExpression(title)) return undefined
  return title.head.text + title.templateSpans.map(({ literal }) => `…${literal.text}`).join('')
}

/** `test` of `test.skipIf(…)` and of `test.each(…)`. */
function rootOf(expression: ts.Expression): string {
  if (ts.isIdentifier(expression)) return expression.text
  return ts.isCallExpression(expression) || ts.isPropertyAccessExpression(expression)
    ? rootOf(expression.expression)
    : ''
}
