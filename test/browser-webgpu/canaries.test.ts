/** What the packing tool cannot check in Node: the canaries of the packed models' variants for WebGPU, on software WebGPU. */
/// <reference types="vite/client" />
import { expect, onTestFinished, test } from 'vitest'
import type { Manifest, Variant } from '../../packages/sdk/src/contract/index.js'
import { neverAborted } from '../../packages/sdk/src/shared/index.js'
import { connect, modelKey } from '../../packages/sdk/src/transport/index.js'

/** A software GPU takes a minute for what a real one does in a moment. */
const mostBytes = 1024 * 1024

const recipes = import.meta.glob<{ readonly id: string }>('../../models/*/recipe.json', { eager: true })
const options = { signal: neverAborted() }

const sizeOf = ({ graphs }: Variant) =>
  Object.values(graphs)
    .flatMap(({ file, externalData = [] }) => [file, ...externalData])
    .reduce((sum, { bytes }) => sum + bytes, 0)

/** The variants that can be run here, with their models. */
async function smallVariants(): Promise<(readonly [string, Variant['dtype']])[]> {
  const models = Object.values(recipes).map(async ({ id }) => {
    const { variants } = (await (await fetch(`/models/${id}/manifest.json`)).json()) as Manifest
    const suitable = variants.filter((variant) => variant.backends.includes('webgpu') && sizeOf(variant) <= mostBytes)
    return suitable.map(({ dtype }) => [id, dtype] as const)
  })
  return (await Promise.all(models)).flat()
}

/** Has the worker make the sessions of a variant on WebGPU, which runs their canaries; `change` makes another manifest. */
async function runCanaries(model: string, variant: Variant['dtype'], change: (manifest: Manifest) => Manifest) {
  const worker = new Worker(new URL('../../packages/sdk/dist/worker.js', import.meta.url), { type: 'module' })
  onTestFinished(() => worker.terminate())
  const connection = await connect(worker, neverAborted())
  const modelsUrls = [new URL('/models/', location.href).href]
  const source = await connection.call('locate', { modelsUrls, model, from: 'cache-first' }, options)
  const manifest = change(source.manifest)
  await connection.call('register', { ...source, manifest }, options)
  const place = { model: modelKey(manifest), backend: 'webgpu', variant, threads: 1 } as const
  let last = ''
  for await (const event of await connection.call('prepare', place, options)) last = event.type
  await connection.call('shutdown', undefined, options)
  return last
}

const variants = await smallVariants()

test('there are variants for WebGPU that are small enough', () => {
  expect(variants).toContainEqual(['tiny-mlp', 'fp32'])
})

test.each(variants)('the canaries of %s, %s, are right on WebGPU', async (model, variant) => {
  expect(await runCanaries(model, variant, (manifest) => manifest)).toBe('ready')
})

test.each(variants)('a canary of %s, %s, that expects other numbers fails: it was run', async (model, variant) => {
  const doubled = (manifest: Manifest) =>
    JSON.parse(
      JSON.stringify({ ...manifest, revision: crypto.randomUUID() }, function (this: object, key, value: unknown) {
        return key === 'values' && 'stride' in this ? (value as number[]).map((number) => 2 * number) : value
      }),
    ) as Manifest
  await expect(runCanaries(model, variant, doubled)).rejects.toMatchObject({ code: 'CANARY_FAILED' })
})
