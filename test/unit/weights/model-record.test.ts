/** What a record says of a model that was stored before, when it is stored again. */
import { describe, expect, test } from 'vitest'
import type { Manifest } from '../../../packages/sdk/src/contract/index.js'
import { completedRecord, vouchedAt, type ModelRecord } from '../../../packages/sdk/src/weights/model-record.js'

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

describe('a record vouches for a variant that was verified a short while ago', () => {
  const reverifyAfterMs = 10
  const at = (now: number, record?: ModelRecord, revision = '1', dtype: 'fp32' | 'q8' = 'fp32') =>
    vouchedAt(record, { manifest: manifest(revision), manifestUrl: 'https://x.example/' }, dtype, {
      now,
      reverifyAfterMs,
    })
  const record = complete('1', 'fp32', 100)

  test('until the time is over', () => {
    expect([at(100, record), at(109, record), at(110, record)]).toEqual([100, 100, undefined])
  })

  test('but for no other variant or revision, nor by a clock that ran ahead', () => {
    expect(at(105, record, '1', 'q8')).toBeUndefined()
    expect(at(105, record, '2')).toBeUndefined()
    expect(at(99, record)).toBeUndefined()
    expect(at(105)).toBeUndefined()
  })

  test('and a load that relied on it does not count as another verification', () => {
    const source = { manifest: manifest('1'), manifestUrl: 'https://x.example/' }
    expect(completedRecord(source, 'fp32', record, 105, 100)).toMatchObject({ usedAt: 105, verifiedAt: 100 })
  })
})
