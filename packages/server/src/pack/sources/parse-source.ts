/** The kinds of places that a recipe's file can come from, and how they are written. */

export type Source =
  | { readonly kind: 'npm'; readonly name: string; readonly version: string; readonly path: string }
  | { readonly kind: 'pypi'; readonly name: string; readonly version: string; readonly path: string }
  | { readonly kind: 'hf'; readonly repo: string; readonly revision: string; readonly path: string }
  | { readonly kind: 'file'; readonly path: string }

// Versions are exact (they begin with a digit): a range would give other bytes tomorrow. Names never begin with "-", so
// that they cannot be taken for an option of npm or pip.
const npmPattern = /^npm:((?:@[\w.][\w.-]*\/)?[\w.][\w.-]*)@(\d[\w.+-]*)\/(.+)$/
const pypiPattern = /^pypi:(\w[\w.-]*)==(\d[\w.+!-]*)\/(.+)$/
const hfPattern = /^hf:([\w.][\w.-]*\/[\w.][\w.-]*)@([\w.][\w.-]*)\/(.+)$/
const filePattern = /^file:(?!\/)([^\\:]+)$/

/** Reads a source such as `npm:@scope/name@1.0.0/path/inside`; `undefined` when it is none. */
export function parseSource(source: string): Source | undefined {
  const npm = npmPattern.exec(source)
  if (npm) return { kind: 'npm', name: part(npm, 1), version: part(npm, 2), path: part(npm, 3) }
  const pypi = pypiPattern.exec(source)
  if (pypi) return { kind: 'pypi', name: part(pypi, 1), version: part(pypi, 2), path: part(pypi, 3) }
  const hf = hfPattern.exec(source)
  if (hf) return { kind: 'hf', repo: part(hf, 1), revision: part(hf, 2), path: part(hf, 3) }
  const file = filePattern.exec(source)
  return file ? { kind: 'file', path: part(file, 1) } : undefined
}

function part(match: RegExpExecArray, index: number): string {
  return match[index] ?? ''
}
