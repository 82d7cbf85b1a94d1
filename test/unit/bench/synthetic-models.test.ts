import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { expect, test } from 'vitest'
import { modelFiles } from '../../bench/support/synthetic-models.mjs'

const small = { id: 'small', layers: 3, width: 32 }

test('a split synthetic model answers as its twin of one file does, and neither answers zeros', async () => {
  const [whole, split] = [await answer({ ...small, isSplit: false }), await answer({ ...small, isSplit: true })]
  expect(split).toEqual(whole)
  expect(Math.max(...whole)).toBeGreaterThan(0.1)
})

test('synthetic models are the same each time they are made, and no layer repeats another', () => {
  const model = { ...small, isSplit: true }
  const weights = modelFiles(model)['model.onnx_data']
  expect(modelFiles(model)).toEqual(modelFiles(model))
  const layerBytes = small.width ** 2 * 4
  expect(weights?.length).toBe(small.layers * layerBytes)
  expect(weights?.subarray(0, layerBytes)).not.toEqual(weights?.subarray(layerBytes, 2 * layerBytes))
})

async function answer(model: Parameters<typeof modelFiles>[0]): Promise<number[]> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'edgeward-synthetic-'))
  try {
    for (const [name, bytes] of Object.entries(modelFiles(model))) await writeFile(path.join(folder, name), bytes)
    const session = await InferenceSession.create(path.join(folder, 'model.onnx'))
    const x = new Tensor(
      'float32',
      Float32Array.from({ length: small.width }, (_, index) => Math.cos(index)),
      [1, small.width],
    )
    const { y } = await session.run({ x })
    await session.release()
    return Array.from(y?.data as Float32Array)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
