/** Reads a model's name as callers write it: its id, and the revision that they insist on. */

export interface ModelName {
  /** A folder's name, or `hf:organisation/repository`. */
  readonly id: string
  /** What stands after `@`; without it, whatever revision is current. */
  readonly revision?: string
}

/** Splits `all-minilm-l6-v2@1f2e` or `hf:Xenova/all-MiniLM-L6-v2@main`. An id has no `@`. */
export function splitModelName(name: string): ModelName {
  const at = name.indexOf('@')
  return at < 0 ? { id: name } : { id: name.slice(0, at), revision: name.slice(at + 1) }
}
