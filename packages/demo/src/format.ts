/** Numbers as people read them. */

/** `340 kB`, `8.4 MB`; decimal units, as browsers show downloads. */
export function formatBytes(bytes: number): string {
  if (bytes < 1e6) return `${Math.round(bytes / 1e3)} kB`
  return `${(bytes / 1e6).toFixed(1)} MB`
}

/** `0.4 ms`, `38 ms`, `1.2 s`. */
export function formatMs(ms: number): string {
  if (ms < 9.95) return `${ms.toFixed(1)} ms`
  if (ms < 1000) return `${Math.round(ms)} ms`
  return `${(ms / 1000).toFixed(1)} s`
}

/** As {@link formatMs}, and `8 min` for what takes long. */
export function formatDuration(ms: number): string {
  if (ms === Infinity) return 'for ever'
  return ms < 90_000 ? formatMs(ms) : `${Math.round(ms / 60_000)} min`
}

/** `340 kB/s`, `8.4 MB/s`. */
export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`
}

/** `about 4 s left`, `about 2 min left`. */
export function formatTimeLeft(ms: number): string {
  const seconds = Math.ceil(ms / 1000)
  return seconds < 90 ? `about ${seconds} s left` : `about ${Math.round(seconds / 60)} min left`
}

/** `1 passage`, `12 passages`. */
export function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? '' : 's'}`
}

export function capitalise(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1)
}
