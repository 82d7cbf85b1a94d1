/** Random numbers that are a pure function of a seed and a position, so that a text which moves elsewhere draws the same. */

/**
 * A number for each position of each seed: a counter-based generator in the manner of SplitMix (Steele, Lea, Flood: "Fast
 * Splittable Pseudorandom Number Generators", 2014), with the 32-bit finaliser of MurmurHash3 (Austin Appleby, public domain).
 *
 * @param seed - any safe integer
 * @param position - of a token in its answer, from 0
 * @returns 0 (inclusive) to 1 (exclusive), in steps of 2^-32
 */
export function randomAt(seed: number, position: number): number {
  const low = mix(seed >>> 0)
  const key = mix(low ^ Math.floor(seed / 2 ** 32))
  return mix(key + Math.imul(position + 1, goldenGamma)) / 2 ** 32
}

/** The odd integer nearest to 2^32 divided by the golden ratio. */
const goldenGamma = 0x9e3779b9

function mix(value: number): number {
  let hash = value | 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
