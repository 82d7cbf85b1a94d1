/** Estimates how long a download still takes from how fast it has been lately. */
import type { DownloadProgress } from 'edgeward'

/** Long enough to smooth over single chunks, short enough to notice a train's tunnel. */
const windowMs = 10_000

export class DownloadRate {
  #samples: { readonly at: number; readonly bytes: number }[] = []

  /** The time left in milliseconds, once it can be told; bytes from the cache do not count as speed. */
  add({ loadedBytes, totalBytes, cachedBytes }: DownloadProgress, now: number): number | undefined {
    const bytes = loadedBytes - cachedBytes
    const last = this.#samples.at(-1)
    if (last !== undefined && bytes < last.bytes) this.#samples = []
    this.#samples = [...this.#samples.filter(({ at }) => now - at <= windowMs), { at: now, bytes }]
    const first = this.#samples[0]
    if (first === undefined || bytes <= first.bytes) return undefined
    const bytesPerMs = (bytes - first.bytes) / (now - first.at)
    return (totalBytes - loadedBytes) / bytesPerMs
  }
}
