/** Names what came instead of what was right, for messages. */

/** The built-in tag of a value: `Float32Array`, `HTMLImageElement`, `Array`, … Works across realms. */
export function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice('[object '.length, -1)
}

/** What `value` is, in few words: `a string`, `null`, `an Array`, `an HTMLDivElement`. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  const kind = typeof value === 'object' ? tagOf(value) : typeof value
  // "HTML…" is spoken "aitch": the letter alone does not tell.
  return `${/^([aeio]|HTML)/i.test(kind) ? 'an' : 'a'} ${kind}`
}
