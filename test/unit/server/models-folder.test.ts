/** What a models folder must be. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readModelsFolder } from '../../../packages/server/src/models/read-models.js'
import { makeModelsFolder, pair, type TestGraph } from './support/test-models.js'

async function folderOf(models: Record<string, Record<string, TestGraph>>) {
  const { folder, remove } = await makeModelsFolder(models)
  onTestFinished(remove)
  return folder
}

describe('models folder', () => {
  it('gives each graph its name at the endpoint, and lists the files that may be fetched', async () => {
    const folder = await folderOf({ one: { model: pair }, two: { first: pair, second: pair } })
    await mkdir(join(folder, 'being-packed'))
    await mkdir(join(folder, '.staging'))
    await writeFile(join(folder, 'README.md'), 'no model')

    const { graphs, files } = await readModelsFolder(folder)

    expect(graphs.map(({ name }) => name)).toEqual(['one', 'two.first', 'two.second'])
    expect([...files].sort()).toEqual([
      'one/manifest.json',
      'one/model.onnx',
      'two/first.onnx',
      'two/manifest.json',
      'two/second.onnx',
    ])
  })

  it('that is not there, or holds no model, is refused', async () => {
    await expect(readModelsFolder('/nowhere/at/all')).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining('/nowhere/at/all') as string,
    })
    const empty = await folderOf({})
    await expect(readModelsFolder(empty)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining('holds no model') as string,
    })
  })

  it('with a wrong manifest is refused with the file and the field', async () => {
    const folder = await folderOf({ one: { model: pair } })
    const path = join(folder, 'one', 'manifest.json')
    const manifest = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>
    const refusal = async (changed: string) => {
      await writeFile(path, changed)
      return readModelsFolder(folder).catch((error: unknown) => error)
    }
    const wrong = { code: 'MANIFEST_INVALID' }
    expect(await refusal(JSON.stringify({ ...manifest, revision: 7 }))).toMatchObject(wrong)
    expect(String(await refusal(JSON.stringify({ ...manifest, revision: 7 })))).toContain(`${path}: revision`)
    expect(String(await refusal('{'))).toContain(`${path} is not JSON`)
    expect(String(await refusal(JSON.stringify({ ...manifest, id: 'other' })))).toContain(
      'id is "other", should be the folder\'s name, "one"',
    )
  })

  it('with two models of one name at the endpoint is refused', async () => {
    const folder = await folderOf({ 'a.b': { model: pair }, a: { b: pair, c: pair } })
    await expect(readModelsFolder(folder)).rejects.toThrow('two models would both be served as "a.b"')
  })
})
