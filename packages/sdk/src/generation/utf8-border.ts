/** Tells where a stream of UTF-8 may be cut. */

/**
 * The states of the Encoding Standard's UTF-8 decoder (https://encoding.spec.whatwg.org/#utf-8-decoder) without its code points:
 * so that texts which are decoded from border to border are together what one decoder would have made of all bytes, the wrong ones
 * included.
 */
export class Utf8Border {
  #needed = 0
  #lower = 0x80
  #upper = 0xbf

  /** @returns whether a character ends with the last of all bytes so far */
  push(bytes: Uint8Array): boolean {
    for (const byte of bytes) this.#step(byte)
    return this.#needed === 0
  }

  #step(byte: number): void {
    if (this.#needed > 0 && byte >= this.#lower && byte <= this.#upper) {
      this.#expect(this.#needed - 1)
    } else {
      this.#begin(byte)
    }
  }

  #begin(byte: number): void {
    if (byte >= 0xc2 && byte <= 0xdf) this.#expect(1)
    else if (byte >= 0xe0 && byte <= 0xef) this.#expect(2, byte === 0xe0 ? 0xa0 : 0x80, byte === 0xed ? 0x9f : 0xbf)
    else if (byte >= 0xf0 && byte <= 0xf4) this.#expect(3, byte === 0xf0 ? 0x90 : 0x80, byte === 0xf4 ? 0x8f : 0xbf)
    else this.#expect(0)
  }

  #expect(needed: number, lower = 0x80, upper = 0xbf): void {
    this.#needed = needed
    this.#lower = lower
    this.#upper = upper
  }
}
