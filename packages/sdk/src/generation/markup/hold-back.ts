/** Finds tags in a text that comes bit by bit, without waiting for more of it than a tag could need. */

/** A text up to the first of some tags, or up to where one may begin. */
export interface Split {
  readonly before: string
  /** The tag that was found. */
  readonly tag?: string
  /** What is behind the tag; or what may become one, and has to wait. */
  readonly rest: string
}

export function splitAtTag(text: string, tags: readonly string[]): Split {
  const found = tags
    .map((tag) => ({ tag, at: text.indexOf(tag) }))
    .filter(({ at }) => at >= 0)
    .sort((a, b) => a.at - b.at)[0]
  if (found) return { before: text.slice(0, found.at), tag: found.tag, rest: text.slice(found.at + found.tag.length) }
  const held = Math.max(0, ...tags.map((tag) => heldLength(text, tag)))
  return { before: text.slice(0, text.length - held), rest: text.slice(text.length - held) }
}

/** How much of the text's end is the beginning of `tag`. */
export function heldLength(text: string, tag: string): number {
  for (let length = Math.min(tag.length - 1, text.length); length > 0; length -= 1) {
    if (text.endsWith(tag.slice(0, length))) return length
  }
  return 0
}
