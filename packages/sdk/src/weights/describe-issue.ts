/** Says what a schema found wrong: the path of the field, what stands there, and what would be right. */
import type { BaseIssue } from 'valibot'

/** The keys and indices that lead to a field. */
export type FieldPath = readonly (string | number)[]

/** A field's path as one writes it in JavaScript: `variants[0].graphs.model.file.chunks[3]`. */
export function formatPath(path: FieldPath): string {
  return path.map(formatSegment).join('').replace(/^\./, '')
}

/** A value as JSON, cut to a length that fits a message. */
export function formatValue(value: unknown): string {
  // Typed as always a text, but functions and `undefined` have no JSON.
  const json = (JSON.stringify(value) as string | undefined) ?? String(value)
  return json.length > 80 ? `${json.slice(0, 77)}…` : json
}

/**
 * A valibot issue in words. Checks (`regex`, `minValue`, …) and unions are expected to carry a message that finishes the
 * sentence "… should be …".
 */
export function describeIssue(issue: BaseIssue<unknown>): { readonly path: string; readonly problem: string } {
  const keys = (issue.path ?? []).map((item) => item.key as string | number)
  const nearest = nearestAlternative(issue)
  if (nearest) {
    const { path, problem } = describeIssue(nearest)
    const separator = path.startsWith('[') || path === '' || keys.length === 0 ? '' : '.'
    return { path: `${formatPath(keys)}${separator}${path}`, problem }
  }
  if (issue.expected === 'never') return { path: formatPath(keys), problem: 'is not a field that is known here' }
  if (issue.input === undefined) return { path: formatPath(keys), problem: 'is missing' }
  return { path: formatPath(keys), problem: `is ${formatValue(issue.input)}, should be ${wanted(issue)}` }
}

function formatSegment(key: string | number): string {
  if (typeof key === 'number') return `[${key}]`
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`
}

function wanted(issue: BaseIssue<unknown>): string {
  if (issue.kind !== 'schema' || issue.type === 'union') return issue.message
  return issue.expected === 'Object' ? 'an object' : (issue.expected ?? issue.message)
}

/** Of the issues that a union's alternatives had, the one inside the value that was meant: not a mere missing key. */
function nearestAlternative(issue: BaseIssue<unknown>): BaseIssue<unknown> | undefined {
  return issue.type === 'union' ? issue.issues?.find((inner) => inner.path && inner.input !== undefined) : undefined
}
