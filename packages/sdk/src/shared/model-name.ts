/** Reads a model's name as callers write it: its id, and the revision that they insist on. */

export interface ModelName {
  /** A folder's name, `hf:organisation/repository`, or the address of a GGUF. */
  readonly id: string
  /** What stands after `@`; without it, whatever revision is current. */
  readonly revision?: string
}

/**
 * Splits `all-minilm-l6-v2@1f2e`, `hf:Xenova/all-MiniLM-L6-v2@main` or `hf:org/repo/model.gguf@main`. An id has no `@`, but
 * an address may.
 */
export function splitModelName(name: string): ModelName {
  const at = isGgufUrl(name) ? -1 : name.indexOf('@')
  return at < 0 ? { id: name } : { id: name.slice(0, at), revision: name.slice(at + 1) }
}

/** Whether a name is the address of a GGUF, absolute or relative to the page: it ends in `.gguf`, but for a query. */
export function isGgufUrl(name: string): boolean {
  return /\.gguf(?:\?.*)?$/i.test(name) && !/^(?:hf|local):/.test(name)
}

/** The name under which everybody knows a model: the address of a GGUF becomes absolute, other names stay. */
export function absoluteModelName(name: string, baseUrl: string): string {
  return isGgufUrl(name) ? new URL(name, baseUrl).href : name
}
