/** The packing tool: what it writes, that it writes it whole or not at all, and that it notices every change. */
import { createHash } from 'node:crypto'
import { appendFile, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { PackError } from '../../../packages/server/src/pack.js'
import type { Recipe } from '../../../packages/server/src/pack/recipe.js'
import { createWorkplace, listAll, tinyMlp, withSources } from './workplace.js'

const onnx = await readFile(join(tinyMlp, 'model.onnx'))
const onnxSha256 = createHash('sha256').update(onnx).digest('hex')

/** The recipe with another canary for its one graph. */
const withCanaryInput =
  (input: object) =>
  (recipe: Recipe): unknown => {
    const canary = { inputs: { x: input }, tolerance: { absolute: 0.1, relative: 0.1 } }
    return { ...recipe, variants: [{ ...recipe.variants[0], graphs: { model: { file: 'model.onnx', canary } } }] }
  }

describe('pack', () => {
  it('writes the files and a manifest that describes them', async () => {
    const place = await createWorkplace()
    const { manifest, dir, changed } = await place.pack()
    expect(changed).toBe(true)
    expect(await listAll(place.out)).toEqual(['tiny-mlp', 'tiny-mlp/manifest.json', 'tiny-mlp/model.onnx'])
    expect(await readFile(join(dir, 'model.onnx'))).toEqual(onnx)
    expect(JSON.parse(await readFile(join(dir, 'manifest.json'), 'utf8'))).toEqual(manifest)
    expect(manifest).toMatchObject({ id: 'tiny-mlp', task: 'tensors', chunkBytes: 4 * 1024 * 1024 })
    expect(manifest.variants[0].graphs['model']).toMatchObject({
      file: { path: 'model.onnx', bytes: onnx.length, sha256: onnxSha256, chunks: [onnxSha256] },
      inputs: [{ name: 'x', dtype: 'float32', shape: ['batch', 4] }],
      outputs: [{ name: 'y', dtype: 'float32', shape: ['batch', 3] }],
      canary: { outputs: { y: { shape: [3, 3], stride: 1 } } },
    })
    expect(manifest.cost).toEqual({ parameters: 131, operationsPerUnit: 56_000, largestTensorParameters: 64 })
    expect(manifest.provenance).toContainEqual({ file: 'model.onnx', source: 'file:model.onnx', sha256: onnxSha256 })
  })

  it('takes the recipe itself or its folder', async () => {
    const place = await createWorkplace()
    await place.pack({ recipe: join(place.recipe, 'recipe.json') })
    expect((await place.pack()).changed).toBe(false)
  })

  it('does nothing a second time, and says so', async () => {
    const place = await createWorkplace()
    const { manifest, dir } = await place.pack()
    const before = await stat(join(dir, 'manifest.json'))
    place.said.length = 0
    const again = await place.pack()
    expect(again).toEqual({ manifest, dir, changed: false })
    expect(place.said.map(({ kind }) => kind)).toEqual(['unchanged'])
    expect((await stat(join(dir, 'manifest.json'))).ino).toBe(before.ino)
  })

  it('repairs a folder whose file was damaged, lost or tampered with', async () => {
    const place = await createWorkplace()
    const { dir, manifest } = await place.pack()
    await writeFile(join(dir, 'model.onnx'), Buffer.alloc(onnx.length))
    expect((await place.pack()).changed).toBe(true)
    await rm(join(dir, 'model.onnx'))
    expect((await place.pack()).changed).toBe(true)
    await writeFile(join(dir, 'manifest.json'), '{ "schemaVersion": 1')
    expect(await place.pack()).toMatchObject({ changed: true, manifest: { revision: manifest.revision } })
    expect(await readFile(join(dir, 'model.onnx'))).toEqual(onnx)
  })

  it('gives the same revision when only the guess of its cost changes, and leaves out what nobody states', async () => {
    const place = await createWorkplace()
    const first = await place.pack()
    await place.edit(({ operationsPerUnit: _, ...recipe }) => recipe)
    const second = await place.pack()
    expect(second).toMatchObject({ changed: true, manifest: { revision: first.manifest.revision } })
    expect(second.manifest.cost).toEqual({ parameters: 131, largestTensorParameters: 64 })
  })

  it('gives another revision when a setting changes, and the same when only the sources do', async () => {
    const place = await createWorkplace()
    const first = await place.pack()
    await place.edit(withSources('hf:nobody/nothing@main/model.onnx', 'file:model.onnx'))
    vi.stubEnv('HF_ENDPOINT', 'http://127.0.0.1:1')
    onTestFinished(() => void vi.unstubAllEnvs())
    const moved = await place.pack()
    await place.edit((recipe) => ({ ...recipe, config: { pooling: 'mean' } }))
    const set = await place.pack()
    expect(moved).toMatchObject({ changed: true, manifest: { revision: first.manifest.revision } })
    expect(set.manifest.revision).not.toBe(first.manifest.revision)
    expect(set.manifest.revision).toMatch(/^[0-9a-f]{16}$/)
  })

  it('stops at a wrong digest with the file and both digests, and leaves what was there', async () => {
    const place = await createWorkplace()
    const { dir } = await place.pack()
    await appendFile(join(place.recipe, 'model.onnx'), 'x')
    const found = createHash('sha256').update(onnx).update('x').digest('hex')
    const failure = place.pack()
    await expect(failure).rejects.toThrow(PackError)
    await expect(failure).rejects.toThrow('model.onnx from file:model.onnx')
    await expect(failure).rejects.toThrow(`expected SHA-256 ${onnxSha256} and ${onnx.length} bytes`)
    await expect(failure).rejects.toThrow(`found    SHA-256 ${found} and ${onnx.length + 1} bytes`)
    expect(await readFile(join(dir, 'model.onnx'))).toEqual(onnx)
    expect(await listAll(place.out)).toEqual(['tiny-mlp', 'tiny-mlp/manifest.json', 'tiny-mlp/model.onnx'])
  })

  it('lists what every source answered when none could be used', async () => {
    const place = await createWorkplace()
    await place.edit(withSources('file:one.onnx', 'file:two.onnx'))
    const failure = place.pack()
    await expect(failure).rejects.toThrow('tiny-mlp: no source of model.onnx answered')
    await expect(failure).rejects.toThrow(
      /file:one\.onnx: there is no readable file .*\n\s+file:two\.onnx: there is no/,
    )
    expect(await listAll(place.out)).toEqual([])
  })

  it('removes what a killed run left behind, but not what a living one is writing', async () => {
    const place = await createWorkplace()
    // A process id beyond the largest that Linux gives, and one that lives.
    const abandoned = ['out/.tiny-mlp.99999999.0a.partial', 'cache/tmp/99999999-abc']
    const alive = [`out/.tiny-mlp.${process.ppid}.0a.partial`, `cache/tmp/${process.ppid}-abc`]
    for (const dir of [...abandoned, ...alive]) await mkdir(join(place.recipe, '..', dir), { recursive: true })
    await place.pack()
    const left = await listAll(join(place.recipe, '..'))
    expect(left).toEqual(expect.arrayContaining(alive))
    expect(left).not.toEqual(expect.arrayContaining([abandoned[0]]))
    expect(left).not.toEqual(expect.arrayContaining([abandoned[1]]))
  })

  it('can run twice at the same time', async () => {
    const place = await createWorkplace()
    const [one, two] = await Promise.all([place.pack(), place.pack()])
    expect(one.manifest).toEqual(two.manifest)
    expect(await listAll(place.out)).toEqual(['tiny-mlp', 'tiny-mlp/manifest.json', 'tiny-mlp/model.onnx'])
    expect((await place.pack()).changed).toBe(false)
  })

  it('repeats short canary data to fill the shape', async () => {
    const place = await createWorkplace()
    await place.edit(withCanaryInput({ dtype: 'float32', shape: [2, 4], data: [1, 2, 3, 4] }))
    const { manifest } = await place.pack()
    const canary = manifest.variants[0].graphs['model']?.canary
    expect(canary?.inputs['x']).toMatchObject({ data: [1, 2, 3, 4, 1, 2, 3, 4] })
    const values = canary?.outputs['y']?.values ?? []
    expect(values).toHaveLength(6)
    expect(values.slice(0, 3)).toEqual(values.slice(3))
  })

  it.each([
    ['does not fit the shape', { dtype: 'float32', shape: [2, 4], data: [1, 2, 3] }, 'do not fill the shape [2, 4]'],
    ['the graph does not take', { dtype: 'float32', shape: [2, 5], fill: 'ramp' }, 'the canary did not run'],
    ['gives numbers that are not finite', { dtype: 'float32', shape: [1, 4], data: [1e38] }, 'is not finite'],
  ])('refuses a canary that %s', async (_, input, message) => {
    const place = await createWorkplace()
    await place.edit(withCanaryInput(input))
    await expect(place.pack()).rejects.toThrow(message)
  })

  it('refuses a file that is not an ONNX model', async () => {
    const place = await createWorkplace()
    const text = 'not a model'
    await writeFile(join(place.recipe, 'model.onnx'), text)
    const sha256 = createHash('sha256').update(text).digest('hex')
    await place.edit((recipe) => ({ ...recipe, files: { 'model.onnx': { sha256, sources: ['file:model.onnx'] } } }))
    await expect(place.pack()).rejects.toThrow(/tiny-mlp: fp32\/model \(model\.onnx\): ONNX Runtime cannot load it/)
  })

  it('says where it looked when there is no recipe', async () => {
    const place = await createWorkplace()
    await expect(place.pack({ recipe: place.out })).rejects.toThrow(`there is no recipe at ${place.out}`)
    await writeFile(join(place.recipe, 'recipe.json'), '{')
    await expect(place.pack()).rejects.toThrow(/recipe\.json is not JSON/)
  })
})
