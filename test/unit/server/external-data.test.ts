/** A model whose weights lie beside its graph (ONNX external data): packed, served to browsers, and run. */
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer } from '@edgeward/server'
import { pack } from '@edgeward/server/pack'
import { expect, onTestFinished, test } from 'vitest'
import { dataType, externalWeight, model, node, value } from '../../../models/onnx-writer.mjs'

const weights = Buffer.alloc(4 * 4)
for (let index = 0; index < 4; index += 1) weights.writeFloatLE(index + 1, index * 4)
/** `y` = `x` + [1, 2, 3, 4]. */
const graph = model({
  name: 'g',
  nodes: [node('Add', ['x', 'w'], ['y'])],
  inputs: [value('x', dataType.float32, ['batch', 4])],
  outputs: [value('y', dataType.float32, ['batch', 4])],
  initializers: [externalWeight('w', [4], { location: 'model.onnx_data', offset: 0, length: 16 })],
})
const files = { 'onnx/model.onnx': graph, 'onnx/model.onnx_data': weights }

/** A folder with the recipe and, in `out`, what was packed from it; removed when the test ends. */
async function packModel(change: (recipe: Record<string, unknown>) => object = (recipe) => recipe) {
  const dir = await mkdtemp(join(tmpdir(), 'edgeward-external-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  const entries = Object.entries(files).map(([name, bytes]) => {
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    return [name, { sha256, sources: [`file:${name}`] }] as const
  })
  const recipe = {
    id: 'external',
    task: 'tensors',
    licence: 'CC0-1.0',
    config: {},
    files: Object.fromEntries(entries),
    assets: {},
    variants: [
      {
        dtype: 'fp32',
        backends: ['wasm'],
        graphs: {
          model: {
            file: 'onnx/model.onnx',
            externalData: ['onnx/model.onnx_data'],
            canary: {
              inputs: { x: { dtype: 'float32', shape: [1, 4], fill: 'ramp' } },
              tolerance: { absolute: 0.001, relative: 0.001 },
            },
          },
        },
      },
    ],
  }
  await mkdir(join(dir, 'onnx'))
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(dir, name), bytes)
  await writeFile(join(dir, 'recipe.json'), JSON.stringify(change(recipe)))
  const out = join(dir, 'out')
  return { out, packed: await pack({ recipe: dir, out, cacheDir: join(dir, 'cache') }) }
}

async function serve(modelsFolder: string): Promise<string> {
  const app = await createServer({ modelsFolder, logFormat: 'json', logLevel: 'silent' })
  onTestFinished(() => app.close())
  return app.listen({ host: '127.0.0.1', port: 0 })
}

const infer = (url: string) =>
  fetch(`${url}/v2/models/external/infer`, {
    method: 'POST',
    body: JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [10, 10, 10, 10] }] }),
  })

test('is packed with its canary, served with all its files, and answers', async () => {
  const { out, packed } = await packModel()
  const packedGraph = packed.manifest.variants[0].graphs['model']
  expect(packedGraph?.externalData).toMatchObject([{ path: 'onnx/model.onnx_data', bytes: 16 }])
  expect(packedGraph?.canary?.outputs['y']?.values).toHaveLength(4)
  const url = await serve(out)
  const data = await fetch(`${url}/models/external/onnx/model.onnx_data`)
  expect(Buffer.from(await data.arrayBuffer())).toEqual(weights)
  expect(await (await infer(url)).json()).toMatchObject({ outputs: [{ data: [11, 12, 13, 14] }] })
})

test('does not run when the weights are not what the manifest says', async () => {
  const { out } = await packModel()
  await writeFile(join(out, 'external', 'onnx', 'model.onnx_data'), Buffer.alloc(16))
  const answer = await infer(await serve(out))
  expect(answer.status).toBe(500)
})

test('is packed again when its weights were damaged', async () => {
  const { out, packed } = await packModel()
  await writeFile(join(packed.dir, 'onnx', 'model.onnx_data'), Buffer.alloc(16))
  const recipe = join(out, '..')
  const again = await pack({ recipe, out, cacheDir: join(recipe, 'cache') })
  expect(again.changed).toBe(true)
})

test('is refused where the recipe names weights that it has not', async () => {
  const broken = (recipe: Record<string, unknown>) => {
    return JSON.parse(JSON.stringify(recipe).replace('["onnx/model.onnx_data"]', '["onnx/other_data"]')) as object
  }
  await expect(packModel(broken)).rejects.toThrow(/graphs\.model\.externalData\[0\] is "onnx\/other_data"/)
})
