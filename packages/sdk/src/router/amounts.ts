/** Amounts as people read them. */

/** `40 ms`, `1.3 s`, `2 min`, `4 h`, `3 days`. */
export function inWords(ms: number): string {
  if (!Number.isFinite(ms)) return 'an unknown time'
  if (ms < 999.5) return `${short(ms)} ms`
  if (ms < 120_000) return `${short(ms / 1_000)} s`
  const hours = ms / 3_600_000
  if (hours < 2) return `${Math.round(ms / 60_000)} min`
  return hours < 48 ? `${Math.round(hours)} h` : `${Math.round(hours / 24)} days`
}

/** In decimal units: `24 MB`. */
export function bytesInWords(bytes: number): string {
  if (bytes < 999_500) return `${short(bytes / 1e3)} kB`
  return bytes < 999.5e6 ? `${short(bytes / 1e6)} MB` : `${short(bytes / 1e9)} GB`
}

function short(value: number): number {
  return value < 10 ? Math.round(value * 10) / 10 : Math.round(value)
}
