/** Canaries: what they are made from, how far off a variant may be, and that every variant for WASM is right there. */
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { dataType, model, node, rawWeight, value, weight } from '../../../models/onnx-writer.mjs'
import type { Canary, Manifest, VariantDtype } from '../../../packages/sdk/src/manifest.js'
import { PackError, describeProgress } from '../../../packages/server/src/pack.js'
import type { OpenGraph } from '../../../packages/server/src/pack/open-graph.js'
import { createWorkplace, listAll, type Workplace } from './workplace.js'

/** Stands in for the processor: what native ONNX Runtime answers, by the graph's file name. */
const native = vi.hoisted(() => ({ answers: new Map<string, OpenGraph['run']>() }))

// Which processors saturate is not known where this runs (those with VNNI do not), so that native runs are handed in.
vi.mock('../../../packages/server/src/pack/native-graph.js', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../../packages/server/src/pack/native-graph.js')>()
  return {
    openNatively: async (...args: Parameters<typeof original.openNatively>): Promise<OpenGraph> => {
      const graph = await original.openNatively(...args)
      const [, run] = [...native.answers].find(([name]) => args[0].path.endsWith(name)) ?? []
      return run ? { ...graph, run } : graph
    },
  }
})

afterEach(() => native.answers.clear())

const width = 8
const rows = 2

/** y = x · w for x [2, 8], with every weight the same: every output is 8 × x × w when x is filled with one number. */
const floatModel = (w: number) =>
  model({
    name: 'float',
    nodes: [node('MatMul', ['x', 'w'], ['y'])],
    inputs: [value('x', dataType.float32, ['n', width])],
    outputs: [value('y', dataType.float32, ['n', width])],
    initializers: [weight('w', [width, width], new Array<number>(width * width).fill(w))],
  })

/** The same with x in 8 bits without a sign and w in 8 with one: U8S8, what native AVX2 saturates. */
const int8Model = (w: number) =>
  model({
    name: 'int8',
    nodes: [node('MatMulInteger', ['x', 'w'], ['y'])],
    inputs: [value('x', dataType.uint8, ['n', width])],
    outputs: [value('y', dataType.int32, ['n', width])],
    initializers: [rawWeight('w', [width, width], Buffer.alloc(width * width, w), dataType.int8)],
  })

const halfModel = () =>
  model({
    name: 'half',
    nodes: [node('Add', ['x', 'x'], ['y'])],
    inputs: [value('x', dataType.float16, ['n', width])],
    outputs: [value('y', dataType.float16, ['n', width])],
  })

interface VariantOfTest {
  readonly onnx: Buffer
  readonly canary?: object
  readonly backends?: readonly string[]
}

const filledWith = (number: number, dtype = 'float32') => {
  return { inputs: { x: { dtype, shape: [rows, width], data: [number] } } }
}

/** A folder with a recipe of these variants, and with a canary source if there is one. */
async function place(
  variants: Partial<Record<VariantDtype, VariantOfTest>>,
  canarySource?: Buffer,
): Promise<Workplace> {
  const workplace = await createWorkplace()
  const graphs = Object.entries(variants).map(([dtype, { onnx }]) => [`model_${dtype}.onnx`, onnx] as const)
  const files = [...graphs, ...(canarySource ? [['source.onnx', canarySource] as const] : [])]
  for (const [name, onnx] of files) await writeFile(join(workplace.recipe, name), onnx)
  await workplace.edit(({ operationsPerUnit: _, ...recipe }) => ({
    ...recipe,
    files: Object.fromEntries(
      files.map(([name, onnx]) => {
        return [name, { sha256: createHash('sha256').update(onnx).digest('hex'), sources: [`file:${name}`] }]
      }),
    ),
    ...(canarySource && { canarySource: { graphs: { model: { file: 'source.onnx' } } } }),
    variants: Object.entries(variants).map(([dtype, { canary = filledWith(1), backends = ['wasm'] }]) => {
      return { dtype, backends, graphs: { model: { file: `model_${dtype}.onnx`, canary } } }
    }),
  }))
  return workplace
}

function canaryOf({ variants }: Manifest, dtype: VariantDtype): Canary {
  const canary = variants.find((variant) => variant.dtype === dtype)?.graphs['model']?.canary
  if (canary === undefined) throw new Error(`there is no canary of ${dtype}`)
  return canary
}

const valuesOf = (manifest: Manifest, dtype: VariantDtype) => canaryOf(manifest, dtype).outputs['y']?.values

const sixteen = (number: number) => new Array<number>(rows * width).fill(number)

describe('shapes that a graph states', () => {
  /** y is x, twice below each other; the graph says that it is as long as x. */
  const longer = (stated: (number | string)[]) =>
    model({
      name: 'longer',
      nodes: [node('Concat', ['x', 'x'], ['y'], { axis: 0 })],
      inputs: [value('x', dataType.float32, ['n', width])],
      outputs: [value('y', dataType.float32, stated)],
    })
  const outputsOf = async (onnx: Buffer) => {
    const { manifest } = await (await place({ fp32: { onnx } })).pack()
    return manifest.variants[0].graphs['model']?.outputs
  }

  it('and does not keep are not stated in the manifest, since clients would refuse its outputs', async () => {
    expect(await outputsOf(longer(['n', width]))).toEqual([{ name: 'y', dtype: 'float32', shape: ['y_0', width] }])
  })

  it('are stated as they are where it keeps them', async () => {
    expect(await outputsOf(longer(['twice', width]))).toEqual([
      { name: 'y', dtype: 'float32', shape: ['twice', width] },
    ])
    expect(await outputsOf(floatModel(1))).toEqual([{ name: 'y', dtype: 'float32', shape: ['n', width] }])
  })
})

it('a canary of nothing but texts, which are not compared, is refused: clients could not run it', async () => {
  const onnx = model({
    name: 'texts',
    nodes: [node('Identity', ['x'], ['y'])],
    inputs: [value('x', dataType.string, [1])],
    outputs: [value('y', dataType.string, [1])],
  })
  const canary = { inputs: { x: { dtype: 'string', shape: [1], data: ['a'] } } }
  const packing = (await place({ fp32: { onnx, canary } })).pack()
  await expect(packing).rejects.toThrow('gives no numbers to compare')
})

describe('what a canary is made from', () => {
  it('is the fp32 variant where there is one, and the canary says so', async () => {
    const { manifest } = await (await place({ q8: { onnx: floatModel(1.02) }, fp32: { onnx: floatModel(1) } })).pack()
    expect(valuesOf(manifest, 'q8')).toEqual(sixteen(8))
    expect(canaryOf(manifest, 'q8').madeFrom).toBe('fp32')
    expect(canaryOf(manifest, 'fp32').madeFrom).toBe('fp32')
  })

  it('is the variant itself where there is no fp32', async () => {
    const { manifest } = await (await place({ q8: { onnx: floatModel(1.02) } })).pack()
    expect(valuesOf(manifest, 'q8')?.[0]).toBeCloseTo(8.16)
    expect(canaryOf(manifest, 'q8').madeFrom).toBe('q8')
  })

  it('is the canarySource where the fp32 model is not shipped; its origin is told, and its file left out', async () => {
    const workplace = await place({ q8: { onnx: floatModel(1.02) } }, floatModel(1))
    const { manifest } = await workplace.pack()
    expect(valuesOf(manifest, 'q8')).toEqual(sixteen(8))
    expect(canaryOf(manifest, 'q8').madeFrom).toBe('fp32')
    expect(await listAll(workplace.out)).toEqual(['tiny-mlp', 'tiny-mlp/manifest.json', 'tiny-mlp/model_q8.onnx'])
    expect(manifest.provenance).toContainEqual(expect.objectContaining({ file: 'source.onnx' }))
    expect((await workplace.pack()).changed).toBe(false)
  })

  it('is never an int8 model that saturates natively, where there is fp32', async () => {
    const saturating = vi.fn(saturated)
    native.answers.set('model_int8.onnx', saturating)
    const int8 = { onnx: int8Model(127), canary: filledWith(255, 'uint8') }
    const { manifest } = await (await place({ int8, fp32: { onnx: floatModel(127) } })).pack()
    expect(valuesOf(manifest, 'int8')).toEqual(sixteen(width * 255 * 127))
    expect(saturating).not.toHaveBeenCalled()
  })

  it('may give and take half precision', async () => {
    const fp16 = { onnx: halfModel(), canary: filledWith(1.5, 'float16') }
    const { manifest } = await (await place({ fp16 })).pack()
    expect(valuesOf(manifest, 'fp16')).toEqual(sixteen(3))
  })
})

describe('every variant for WASM', () => {
  it('is refused when it is wrong there, with the output, the position, both values and what is allowed', async () => {
    const workplace = await place({ q8: { onnx: floatModel(2) }, fp32: { onnx: floatModel(1) } })
    const packing = workplace.pack()
    await expect(packing).rejects.toThrow(PackError)
    await expect(packing).rejects.toThrow(
      /q8\/model \(model_q8\.onnx\): on WASM its canary's output y is 16 instead of 8 at 0, where [\d.]+ more or less is allowed \(made from fp32\)/,
    )
    expect(await listAll(workplace.out)).toEqual([])
  })

  it('is refused when its own native run saturated: the message says that this happens', async () => {
    native.answers.set('model_int8.onnx', saturated)
    const workplace = await place({ int8: { onnx: int8Model(127), canary: filledWith(255, 'uint8') } })
    const packing = workplace.pack()
    await expect(packing).rejects.toThrow(/is 259080 instead of 131068 at 0/)
    await expect(packing).rejects.toThrow(/native int8 saturates on some processors: .* fp32 variant or a canarySource/)
  })

  it('is said to be right there', async () => {
    const workplace = await place({ fp32: { onnx: floatModel(1), backends: ['webgpu', 'wasm'] } })
    await workplace.pack()
    expect(workplace.said.map(describeProgress)).toContain('tiny-mlp: the canary of fp32/model is right on WASM')
  })

  it('is told apart from one for WebGPU only, which is packed unchecked and said to be', async () => {
    const q4f16 = { onnx: floatModel(2), backends: ['webgpu'] }
    const workplace = await place({ q4f16, fp32: { onnx: floatModel(1) } })
    const { manifest } = await workplace.pack()
    expect(canaryOf(manifest, 'q4f16').madeFrom).toBe('fp32')
    const unchecked = workplace.said.filter(({ kind }) => kind === 'unchecked')
    expect(unchecked).toMatchObject([{ variant: 'q4f16', graph: 'model' }])
    expect(unchecked.map(describeProgress)[0]).toContain('was not checked: it is not for WASM')
  })
})

describe('the tolerance of a canary', () => {
  const toleranceOf = (manifest: Manifest, dtype: VariantDtype) => canaryOf(manifest, dtype).outputs['y']?.tolerance

  it('follows the dtype and the size of the output, where the recipe states none', async () => {
    const small = await (await place({ q8: { onnx: floatModel(1) }, fp32: { onnx: floatModel(1) } })).pack()
    const large = await (await place({ fp32: { onnx: floatModel(100) } })).pack()
    const ofFp32 = toleranceOf(small.manifest, 'fp32')
    const ofQ8 = toleranceOf(small.manifest, 'q8')
    expect(ofFp32?.relative).toBeLessThan(ofQ8?.relative ?? 0)
    // The largest value is 8 in one model and 800 in the other; the next powers of two are 16 and 1,024.
    expect(ofFp32?.absolute).toBeCloseTo(16 * (ofFp32?.relative ?? 0))
    expect(toleranceOf(large.manifest, 'fp32')?.absolute).toBeCloseTo(1_024 * (ofFp32?.relative ?? 0))
  })

  it('is what the recipe states, and another one makes another revision', async () => {
    const stated = (absolute: number) => ({ ...filledWith(1), tolerance: { absolute, relative: 0 } })
    const one = await (await place({ fp32: { onnx: floatModel(1), canary: stated(0.5) } })).pack()
    const two = await (await place({ fp32: { onnx: floatModel(1), canary: stated(0.25) } })).pack()
    expect(toleranceOf(one.manifest, 'fp32')).toEqual({ absolute: 0.5, relative: 0 })
    expect(two.manifest.revision).not.toBe(one.manifest.revision)
  })

  it('is refused when an output of nothing but zeros would pass', async () => {
    const canary = { ...filledWith(1), tolerance: { absolute: 8, relative: 0 } }
    const packing = (await place({ fp32: { onnx: floatModel(1), canary } })).pack()
    await expect(packing).rejects.toThrow(/tolerance \(absolute 8, relative 0\) would accept an output of all zeros/)
  })
})

/** What U8S8 gives where pairs of products are added up in 16 bits (vpmaddubsw): 2 × 255 × 127 becomes 32,767. */
const saturated: OpenGraph['run'] = () => {
  const y = Int32Array.from(sixteen((width / 2) * 32_767))
  return Promise.resolve({ y: { dtype: 'int32', shape: [rows, width], data: y } })
}
