/** Amounts as people read them. */

/** `40 ms`, `1.3 s`, `2 min`. */
export function inWords(ms: number): string {
  if (!Number.isFinite(ms)) return 'an unknown time'
  if (ms < 999.5) return `${short(ms)} ms`
  return ms < 120_000 ? `${short(ms / 1_000)} s` : `${Math.round(ms / 60_000)} min`
}

/** In decimal units: `24 MB`. */
export function bytesInWords(bytes: number): string {
  if (bytes < 999_500) return `${short(bytes / 1e3)} kB`
  return bytes < 999.5e6 ? `${short(bytes / 1e6)} MB` : `${short(bytes / 1e9)} GB`
}

function short(value: number): number {
  return value < 10 ? Math.round(value * 10) / 10 : Math.round(value)
}
