/** Reads the header by which a busy server says when to come back. */

/**
 * How long a server wants to be left alone, in milliseconds.
 *
 * @param header `Retry-After`: seconds, or a date (RFC 9110 §10.2.3); null where it is absent, or hidden by CORS.
 * @param now The time it came, in milliseconds since 1970.
 * @returns Undefined when the header says nothing that can be understood; 0 for a date that has passed.
 */
export function retryAfterMs(header: string | null, now: number): number | undefined {
  const value = header?.trim() ?? ''
  if (/^\d+$/.test(value)) return Number(value) * 1000
  // Date.parse also takes "-1" and "soon 5" for dates: every HTTP date begins with the name of a day.
  const date = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*, /.test(value) ? Date.parse(value) : NaN
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
