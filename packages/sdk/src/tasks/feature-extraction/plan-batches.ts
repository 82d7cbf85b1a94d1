/** Cuts a list of texts into batches that are cheap to run. */

/**
 * The most tokens of a batch, padding included. Bounds what a run allocates: with MiniLM's 12 heads, eight texts of 256
 * tokens need 25 MB of attention scores.
 */
export const maxBatchTokens = 2048

/**
 * Batches of indices into `lengths`, at most {@link maxBatchTokens} padded tokens each (one text at least). Texts of
 * like length come together, so that little of a batch is padding.
 */
export function planBatches(lengths: readonly number[]): number[][] {
  const lengthAt = (index: number) => lengths[index] ?? 0
  const byLength = lengths.map((_, index) => index).sort((a, b) => lengthAt(a) - lengthAt(b))
  const batches: number[][] = []
  for (const index of byLength) {
    const batch = batches.at(-1)
    // Sorted: the newest member is the longest, and all others are padded to it.
    if (batch !== undefined && (batch.length + 1) * lengthAt(index) <= maxBatchTokens) batch.push(index)
    else batches.push([index])
  }
  return batches
}
