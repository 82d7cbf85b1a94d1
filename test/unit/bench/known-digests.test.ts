import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readKnownDigests } from '../../bench/support/known-digests.mjs'

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

test('known digests are those of every chunk of graphs, external data and assets, and of the runtime’s files', async () => {
  const [graph, weights, asset, runtime] = [10, 100, 20, 50].map((length) => Buffer.alloc(length, length))
  weights?.fill(1, 64)
  const known = await readKnownDigests(...(await folders({ graph, weights, asset, runtime })))
  const first = weights?.subarray(0, 64)
  const second = weights?.subarray(64)
  for (const bytes of [graph, first, second, asset, runtime]) {
    expect(known[`${bytes?.length}:${bytes?.subarray(0, 32).toString('hex')}`]).toBe(sha256(bytes as Buffer))
  }
  expect(Object.keys(known)).toHaveLength(5)
})

test('two chunks that begin alike are refused: one would be taken for the other', async () => {
  const graph = Buffer.alloc(40, 1)
  const asset = Buffer.from(graph).fill(2, 39)
  await expect(readKnownDigests(...(await folders({ graph, asset })))).rejects.toThrow(
    'two chunks begin alike: 40:0101',
  )
})

/** A folder of one packed model with chunks of 64 bytes, and one of a runtime. */
async function folders(files: Record<string, Buffer | undefined>): Promise<[string[], string]> {
  const root = await mkdtemp(path.join(os.tmpdir(), 'edgeward-digests-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  const [models, runtime] = [path.join(root, 'models'), path.join(root, 'ort')]
  await mkdir(path.join(models, 'one'), { recursive: true })
  await mkdir(runtime)
  const { runtime: ort, ...ofModel } = files
  if (ort) await writeFile(path.join(runtime, 'runtime'), ort)
  const described: Record<string, object> = {}
  for (const [name, bytes] of Object.entries(ofModel)) {
    if (!bytes) continue
    await writeFile(path.join(models, 'one', name), bytes)
    const chunks = Array.from({ length: Math.ceil(bytes.length / 64) }, (_, i) => bytes.subarray(i * 64, (i + 1) * 64))
    described[name] = { path: name, bytes: bytes.length, chunks: chunks.map(sha256) }
  }
  const { graph: file, weights, asset } = described
  const graph = { file, ...(weights && { externalData: [weights] }) }
  const manifest = { chunkBytes: 64, variants: [{ graphs: { graph } }], assets: { asset } }
  await writeFile(path.join(models, 'one', 'manifest.json'), JSON.stringify(manifest))
  return [[models], runtime]
}
