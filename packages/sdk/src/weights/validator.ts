/** Tells by an answer's headers whether a file is still the same file. */

/** What identifies a file's content at one server: a strong ETag, else the time of its last change. */
export type Validator = string

/**
 * The answer's validator, or undefined when it has none that can be trusted, or hides it. To pages of other origins,
 * servers show an ETag only if they expose it; `Last-Modified` is shown always (the Fetch standard's safelist).
 */
export function validatorOf({ headers }: Response): Validator | undefined {
  const etag = headers.get('ETag')?.trim() ?? ''
  // A weak one holds for files that only mean the same. Of two that a proxy has left, none is the file's.
  if (/^"[^"]*"$/.test(etag)) return etag
  return headers.get('Last-Modified') ?? undefined
}

/** Whether two answers are certainly of different contents. */
export function hasChanged(before: Validator | undefined, now: Validator | undefined): boolean {
  // An ETag cannot be compared to a date.
  if (before === undefined || now === undefined || before.startsWith('"') !== now.startsWith('"')) return false
  return before !== now
}

/**
 * Whether a request to `url` may carry `If-Range`. To another origin it would cost a preflight for every address, which
 * `Range` alone does not (measured in Chromium by test/browser/weights-download.test.ts), and which fails where the
 * server does not allow the header: there, the validators of the answers are compared instead.
 */
export function mayAskIfRange(url: string): boolean {
  const here = globalThis.location?.origin
  return here === undefined || new URL(url).origin === here
}
