/** What a record says of a model that was stored before, when it is stored again. */
import { describe, expect, test } from 'vitest'
import type { Manifest } from '../../../packages/sdk/src/contract/index.js'
import { completedRecord, type ModelRecord } from '../../../packages/sdk/src/weights/model-record.js'

const file = (path: string, ...chunks: string[]) => ({ path, bytes: chunks.length * 10, sha256: path, chunks })
const manifest = (revision: string, digest = 'a'): Manifest => ({
  schemaVersion: 1,
  id: 'm',
  revision,
  task: 'tensors',
  licence: 'CC0-1.0',
  chunkBytes: 10,
  assets: { labels: file('labels', 'l') },
  config: {},
  variants: [
    {
      dtype: 'fp32',
      backends: ['wasm'],
      graphs: { model: { file: file('f', digest, digest), inputs: [], outputs: [] } },
    },
    { dtype: 'q8', backends: ['wasm'], graphs: { model: { file: file('q', 'q', 'l'), inputs: [], outputs: [] } } },
  ],
  provenance: [],
  packedBy: 'the test',
})
const complete = (revision: string, dtype: 'fp32' | 'q8', now: number, earlier?: ModelRecord, digest?: string) =>
  completedRecord({ manifest: manifest(revision, digest), manifestUrl: 'https://x.example/' }, dtype, earlier, now)

describe('a model that is stored', () => {
  test('counts a chunk once that is in it twice, in one file or in two', () => {
    const record = complete('1', 'q8', 5, complete('1', 'fp32', 1))
    expect(record.chunks.map(({ digest }) => digest).sort()).toEqual(['a', 'l', 'q'])
    expect(record).toMatchObject({ bytes: 30, variants: ['fp32', 'q8'], addedAt: 1, usedAt: 5, verifiedAt: 1 })
  })

  test('with another revision has nothing of the old one but its pin', () => {
    const earlier = { ...complete('1', 'q8', 1, complete('1', 'fp32', 1)), isPinned: true }
    const record = complete('2', 'fp32', 5, earlier, 'b')
    expect(record.chunks.map(({ digest }) => digest).sort()).toEqual(['b', 'l'])
    expect(record).toMatchObject({ variants: ['fp32'], addedAt: 5, verifiedAt: 5, isPinned: true })
  })

  test('while the clock ran ahead is not said to be verified in the future', () => {
    expect(complete('1', 'fp32', 5, complete('1', 'fp32', 1_000)).verifiedAt).toBe(5)
  })
})
