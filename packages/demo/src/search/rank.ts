/** Ranks passages by how close their meaning is to a query's. */

export interface Ranked {
  /** The passage's position in the text. */
  readonly index: number
  /** Cosine similarity, −1 to 1. */
  readonly score: number
}

/** Best first. */
export function rank(query: Float32Array, vectors: readonly Float32Array[]): readonly Ranked[] {
  return vectors.map((vector, index) => ({ index, score: dot(query, vector) })).sort((a, b) => b.score - a.score)
}

/** The cosine of two vectors of length one, which is what the model gives. */
function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0)
}
