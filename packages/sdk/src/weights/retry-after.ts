/** Reads the header by which a busy server says when to come back. */

/**
 * How long a server wants to be left alone, in milliseconds.
 *
 * @param headers Of its answer. `Retry-After` is seconds, or a date (RFC 9110 §10.2.3): of the server's clock, which `Date`
 *   tells (§6.6.1). CORS hides what is not exposed.
 * @param now The time it came, in milliseconds since 1970, for where there is no `Date`.
 * @returns Undefined when the header says nothing that can be understood; 0 for a date that has passed.
 */
export function retryAfterMs(headers: Headers, now: number): number | undefined {
  const value = headers.get('Retry-After')?.trim() ?? ''
  if (/^\d+$/.test(value)) return Number(value) * 1000
  const date = parseDate(value)
  const sentAt = parseDate(headers.get('Date')?.trim() ?? '') ?? now
  return date === undefined ? undefined : Math.max(0, date - sentAt)
}

function parseDate(value: string): number | undefined {
  // Date.parse also takes "-1" and "soon 5" for dates: every HTTP date begins with the name of a day.
  const date = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*, /.test(value) ? Date.parse(value) : NaN
  return Number.isNaN(date) ? undefined : date
}
