/** IEEE 754 half precision: between the 16 bits that a tensor holds and a JavaScript number. */

/** The bits of the half-precision number nearest to `value`, ties to even; beyond ±65,504 it rounds to infinity. */
export function float16Bits(value: number): number {
  if (Number.isNaN(value)) return 0x7e00
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0
  const size = Math.abs(value)
  if (size >= 65_520) return sign | 0x7c00
  // Subnormals and zero: multiples of 2⁻²⁴. A carry into the exponent is the right answer in both branches.
  if (size < 2 ** -14) return sign | roundToEven(size * 2 ** 24)
  const exponent = Math.floor(Math.log2(size))
  return sign | (((exponent + 14) << 10) + roundToEven(size * 2 ** (10 - exponent)))
}

/** The number that 16 bits of half precision stand for. */
export function float16Value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity
  return sign * (1024 + fraction) * 2 ** (exponent - 25)
}

function roundToEven(value: number): number {
  const up = Math.round(value)
  return value % 1 === 0.5 && up % 2 === 1 ? up - 1 : up
}
