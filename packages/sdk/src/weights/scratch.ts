/** Hands chunks to the browser's own functions as copies in one buffer, so that a chunk's own memory can be let go. */
import { sha256Hex } from './verify.js'

/**
 * Chromium keeps the memory of a buffer that went through `digest` or `Blob` until its garbage collector finds it, also
 * when the buffer was transferred: whole models, while their session is made. Both have copied what they were given when
 * they return, so that the next call may overwrite it: `digest` before it goes on in parallel
 * (https://w3c.github.io/webcrypto/#SubtleCrypto-method-digest), a Blob in its constructor
 * (https://w3c.github.io/FileAPI/#constructorBlob). `test/browser/weights-scratch.test.ts` shows it.
 */
export class Scratch {
  #buffer = new Uint8Array(0)

  /** The SHA-256 of `bytes` as lower-case hex. */
  sha256Hex(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
    return sha256Hex(this.#copy(bytes))
  }

  /** A Blob to be stored. Its type is its own: by that, the database tells it from another under the same digest. */
  blob(bytes: Uint8Array<ArrayBuffer>): Blob {
    return new Blob([this.#copy(bytes)], { type: crypto.randomUUID() })
  }

  #copy(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    if (this.#buffer.length < bytes.length) this.#buffer = new Uint8Array(bytes.length)
    this.#buffer.set(bytes)
    return this.#buffer.subarray(0, bytes.length)
  }
}
