/** One buffer serves for all chunks that are hashed and stored: the browser has copied each when it is asked for the next. */
import { expect, test } from 'vitest'
import { Scratch } from '../../packages/sdk/src/weights/scratch.js'
import { randomBytes, sha256 } from './support/file-server-client.js'

// Some larger than those before them, some smaller, and of a size at which browsers might work beside the page.
const chunks = [4_000_000, 9, 4_194_304, 65_536, 0, 8_000_000].map((bytes) => randomBytes(bytes))

test('chunks that are hashed one right after the other have each their own digest', async () => {
  const scratch = new Scratch()
  const digests = await Promise.all(chunks.map((chunk) => scratch.sha256Hex(chunk)))
  expect(digests).toEqual(await Promise.all(chunks.map((chunk) => sha256(chunk))))
})

test('chunks that become Blobs one right after the other, while others are hashed, have each their own bytes', async () => {
  const scratch = new Scratch()
  const made = chunks.map((chunk) => {
    const digest = scratch.sha256Hex(chunk)
    return { blob: scratch.blob(chunk), digest }
  })
  const blobDigests = await Promise.all(made.map(async ({ blob }) => sha256(await blob.arrayBuffer())))
  expect(blobDigests).toEqual(await Promise.all(chunks.map((chunk) => sha256(chunk))))
  expect(await Promise.all(made.map(({ digest }) => digest))).toEqual(blobDigests)
})

test('a chunk that was hashed and stored can be let go: its buffer is its own still', async () => {
  const scratch = new Scratch()
  const chunk = randomBytes(100)
  const before = chunk.slice()
  await Promise.all([scratch.sha256Hex(chunk), scratch.blob(chunk).arrayBuffer()])
  scratch.blob(randomBytes(100))
  expect(chunk).toEqual(before)
})
