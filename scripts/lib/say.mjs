/** Tells a person at a terminal what a script is doing and how far it is. */

const indent = '      '

/** @param {string} line */
export function say(line) {
  process.stdout.write(`${line}\n`)
}

/** A line below the heading of a step. @param {string} line */
export function sayBelow(line) {
  say(line === '' ? '' : indent + line)
}

/** Text of several lines below the heading of a step, at most the last `limit` of them. @param {string} text */
export function sayText(text, limit = Number.POSITIVE_INFINITY) {
  const lines = text.trimEnd().split('\n')
  if (lines.length > limit) sayBelow(`(${lines.length - limit} lines before these are left out)`)
  lines.slice(-limit).forEach(sayBelow)
}

/** @param {number} startedAt of `performance.now()` */
export function secondsSince(startedAt) {
  return (performance.now() - startedAt) / 1000
}

/**
 * Numbers the steps of a script.
 *
 * @param {number} total
 */
export function numberSteps(total) {
  let current = 0
  /** @param {string} what */
  return (what) => {
    current += 1
    say(`[${current}/${total}] ${what}`)
  }
}

/** @param {unknown} thrown */
export const messageOf = (thrown) => (thrown instanceof Error ? thrown.message : String(thrown))
