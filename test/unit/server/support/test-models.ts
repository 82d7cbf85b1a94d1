/** Models made for these tests, packed as the packing tool packs them. */
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TensorDtype } from 'edgeward'
import type { Manifest, TensorSpec } from 'edgeward/manifest'
import { model, node, value } from '../../../../models/onnx-writer.mjs'

/** ONNX's number of each dtype (TensorProto.DataType). */
export const onnxTypes: Readonly<Record<TensorDtype, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
}

export interface TestGraph {
  readonly file: Uint8Array
  readonly inputs: readonly TensorSpec[]
  readonly outputs: readonly TensorSpec[]
}

const dtypes = Object.keys(onnxTypes) as TensorDtype[]
const spec = (name: string, dtype: TensorDtype, shape: readonly (number | string)[]): TensorSpec => ({
  name,
  dtype,
  shape,
})
const values = (specs: readonly TensorSpec[]) =>
  specs.map(({ name, dtype, shape }) => value(name, onnxTypes[dtype], [...shape]))

function graph(nodes: Buffer[], inputs: readonly TensorSpec[], outputs: readonly TensorSpec[]): TestGraph {
  return { file: model({ name: 'test', nodes, inputs: values(inputs), outputs: values(outputs) }), inputs, outputs }
}

/** `<dtype>` [n] → `<dtype>_out` [n] for every dtype there is. */
export const everyDtype = graph(
  dtypes.map((dtype) => node('Identity', [dtype], [`${dtype}_out`])),
  dtypes.map((dtype) => spec(dtype, dtype, ['n'])),
  dtypes.map((dtype) => spec(`${dtype}_out`, dtype, ['n'])),
)

/** `size` [2] → six products of matrices of that size: a run that takes as long as the test wants. */
export const slow = graph(
  [
    node('ConstantOfShape', ['size'], ['m0']),
    ...[1, 2, 3, 4, 5, 6].map((step) => node('MatMul', [`m${step - 1}`, 'm0'], [`m${step}`])),
    node('ReduceSum', ['m6'], ['sum']),
  ],
  [spec('size', 'int64', [2])],
  [spec('sum', 'float32', [1, 1])],
)

/** `x` [n], `at` [m] → `y` [m]: a run that ONNX Runtime refuses when `at` points outside of `x`. */
export const gather = graph(
  [node('Gather', ['x', 'at'], ['y'])],
  [spec('x', 'float32', ['n']), spec('at', 'int64', ['m'])],
  [spec('y', 'float32', ['m'])],
)

/** `a` [batch, 4] + `b` [batch, 4] → `sum`, and `a` · `b` → `product`. */
export const pair = graph(
  [node('Add', ['a', 'b'], ['sum']), node('Mul', ['a', 'b'], ['product'])],
  [spec('a', 'float32', ['batch', 4]), spec('b', 'float32', ['batch', 4])],
  [spec('sum', 'float32', ['batch', 4]), spec('product', 'float32', ['batch', 4])],
)

/** A file that is no ONNX at all. */
export const broken: TestGraph = { ...pair, file: Buffer.from('this is no model') }

/** The committed model of `models/tiny-mlp`: `x` [batch, 4] → `y` [batch, 3]. */
export async function tinyMlp(): Promise<TestGraph> {
  const file = await readFile(new URL('../../../../models/tiny-mlp/model.onnx', import.meta.url))
  return { file, inputs: [spec('x', 'float32', ['batch', 4])], outputs: [spec('y', 'float32', ['batch', 3])] }
}

/** A models folder of its own, with a way to remove it. */
export async function makeModelsFolder(models: Readonly<Record<string, Readonly<Record<string, TestGraph>>>>) {
  const folder = await mkdtemp(join(tmpdir(), 'edgeward-models-'))
  for (const [id, graphs] of Object.entries(models)) await writeModel(folder, id, graphs)
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
}

async function writeModel(folder: string, id: string, graphs: Readonly<Record<string, TestGraph>>): Promise<void> {
  await mkdir(join(folder, id))
  const packed = Object.entries(graphs).map(([name, { file, inputs, outputs }]) => {
    const sha256 = createHash('sha256').update(file).digest('hex')
    return [name, { file: { path: `${name}.onnx`, bytes: file.length, sha256, chunks: [sha256] }, inputs, outputs }]
  })
  for (const [name, { file }] of Object.entries(graphs)) await writeFile(join(folder, id, `${name}.onnx`), file)
  const manifest: Manifest = {
    schemaVersion: 1,
    id,
    revision: 'r1',
    task: 'tensors',
    licence: 'Apache-2.0',
    chunkBytes: 4 * 1024 * 1024,
    assets: {},
    config: {},
    variants: [
      { dtype: 'fp32', backends: ['wasm'], graphs: Object.fromEntries(packed) as Manifest['variants'][0]['graphs'] },
    ],
    provenance: [],
    packedBy: 'test',
  }
  await writeFile(join(folder, id, 'manifest.json'), JSON.stringify(manifest))
}
