/** A repository without a manifest becomes one: what its files say is kept, and what they do not say is not guessed. */
import { describe, expect, test } from 'vitest'
import { fileOfHeaders, listedFile, nextPage } from '../../../packages/sdk/src/weights/hub-answers.js'
import { draftManifest, type ListedFile } from '../../../packages/sdk/src/weights/repository-layout.js'
import type { RepositoryJson } from '../../../packages/sdk/src/weights/sentence-settings.js'

const bytes = 5_000_000
const sha256 = 'a'.repeat(64)

/** A repository with these files, empty but for those that are JSON. */
function repository(paths: readonly (string | ListedFile)[], json: Readonly<Record<string, RepositoryJson>> = {}) {
  const files = [...paths, ...Object.keys(json)].map((file) =>
    typeof file === 'string' ? { path: file, bytes } : file,
  )
  const readJson = (path: string) => Promise.resolve(json[path])
  return { id: 'hf:org/repo', revision: 'c0ffee', files, readJson }
}

const sentence = {
  'tokenizer.json': {},
  'tokenizer_config.json': { model_max_length: 512 },
  'config.json': { max_position_embeddings: 384 },
  'modules.json': [
    { type: 'sentence_transformers.models.Transformer', path: '' },
    { type: 'sentence_transformers.models.Pooling', path: '1_Pooling' },
    { type: 'sentence_transformers.models.Normalize', path: '2_Normalize' },
  ],
  '1_Pooling/config.json': { pooling_mode_cls_token: false, pooling_mode_mean_tokens: true },
  'sentence_bert_config.json': { max_seq_length: 256 },
}

describe('the builds of a repository', () => {
  test('become variants, each for the backends that it is good on, with unknown digests left empty', async () => {
    const builds = ['', '_quantized', '_fp16', '_int8', '_q4', '_q4f16'].map((suffix) => `onnx/model${suffix}.onnx`)
    const manifest = await draftManifest(repository([...builds, 'README.md', 'onnx/decoder_model.onnx']))
    expect(manifest.variants.map(({ dtype, backends }) => `${dtype}: ${backends.join(' ')}`)).toEqual([
      'q8: wasm',
      'int8: wasm',
      'q4f16: webgpu',
      'q4: webgpu',
      'fp16: webgpu',
      'fp32: webgpu wasm',
    ])
    const file = { path: 'onnx/model_quantized.onnx', bytes, sha256: '', chunks: ['', ''] }
    expect(manifest.variants[0].graphs).toEqual({ model: { file, inputs: [], outputs: [] } })
    expect(manifest).toMatchObject({ id: 'hf:org/repo', revision: 'c0ffee', task: 'tensors', assets: {} })
  })

  test('take the files of weights beside them, and the SHA-256 that the hub told', async () => {
    const data = ['onnx/model.onnx_data', 'onnx/model.onnx_data_1']
    const listed = repository([{ path: 'onnx/model.onnx', bytes, sha256 }, ...data, 'onnx/model_fp16.onnx'])
    const [fp16, fp32] = (await draftManifest(listed)).variants
    expect(fp16.graphs['model']?.externalData).toBeUndefined()
    expect(fp32?.graphs['model']).toMatchObject({ file: { sha256 }, externalData: data.map((path) => ({ path })) })
  })

  test('may lie beside config.json, or be one file of any name', async () => {
    expect((await draftManifest(repository(['model.onnx', 'model_int8.onnx']))).variants).toHaveLength(2)
    const [only] = (await draftManifest(repository(['silero_vad.onnx']))).variants
    expect(only).toMatchObject({ dtype: 'fp32', backends: ['wasm', 'webgpu'] })
    expect((await draftManifest(repository(['vad_quantized.onnx']))).variants[0].dtype).toBe('q8')
  })

  test('that are none, or several graphs of one model, are refused with what would be right', async () => {
    await expect(draftManifest(repository(['model.safetensors']))).rejects.toMatchObject({
      code: 'MANIFEST_NOT_FOUND',
      message: expect.stringContaining('onnx/model.onnx') as string,
    })
    const graphs = ['onnx/encoder_model.onnx', 'onnx/decoder_model_merged.onnx']
    await expect(draftManifest(repository(graphs))).rejects.toMatchObject({
      code: 'MANIFEST_INVALID',
      message: expect.stringContaining('encoder_model.onnx') as string,
    })
  })

  test('whose paths leave the folder are not there', async () => {
    await expect(draftManifest(repository(['../model.onnx']))).rejects.toMatchObject({ code: 'MANIFEST_NOT_FOUND' })
  })
})

describe('feature-extraction', () => {
  const draft = (changes: Readonly<Record<string, RepositoryJson | undefined>>) => {
    const json: Record<string, RepositoryJson> = {}
    for (const [path, value] of Object.entries<RepositoryJson | undefined>({ ...sentence, ...changes })) {
      if (value !== undefined) json[path] = value
    }
    return draftManifest(repository(['onnx/model.onnx'], json))
  }

  test("takes pooling, normalisation and length from sentence-transformers' files", async () => {
    const manifest = await draft({})
    expect(manifest.task).toBe('feature-extraction')
    expect(manifest.config).toEqual({ pooling: 'mean', normalize: true, maxTokens: 256 })
    expect(Object.keys(manifest.assets)).toEqual(['tokenizer', 'tokenizerConfig'])
    const cls = await draft({
      'modules.json': sentence['modules.json'].slice(0, 2),
      '1_Pooling/config.json': { pooling_mode_cls_token: true },
      'sentence_bert_config.json': undefined,
    })
    expect(cls.config).toEqual({ pooling: 'cls', normalize: false, maxTokens: 384 })
  })

  test('is known of a model made from one of sentence-transformers, and not guessed of any other', async () => {
    const without = { 'modules.json': undefined, '1_Pooling/config.json': undefined }
    const made = { 'config.json': { _name_or_path: 'sentence-transformers/all-MiniLM-L6-v2' } }
    expect((await draft({ ...without, ...made })).config).toMatchObject({ pooling: 'mean', normalize: true })
    expect((await draft(without)).task).toBe('tensors')
  })

  test.each([
    ['a pooling', { '1_Pooling/config.json': { pooling_mode_lasttoken: true } }, 'pooling_mode_lasttoken'],
    [
      'two poolings',
      { '1_Pooling/config.json': { pooling_mode_cls_token: true, pooling_mode_mean_tokens: true } },
      ' and ',
    ],
    ['a module', { 'modules.json': [{ type: 'sentence_transformers.models.Dense', path: '2_Dense' }] }, 'Dense'],
    ['a tokenizer without its settings', { 'tokenizer_config.json': undefined }, 'tokenizer_config.json'],
  ])('refuses %s that it does not know', async (_, changes, named) => {
    const message = expect.stringContaining(named) as string
    await expect(draft(changes)).rejects.toMatchObject({ code: 'MANIFEST_INVALID', message })
  })
})

describe("the hub's answers", () => {
  test('tell size and SHA-256 of large files, and the size of small ones', () => {
    const lfs = { oid: sha256, size: 90_000_000, pointerSize: 134 }
    const large = { type: 'file', path: 'onnx/model.onnx', size: 134, oid: 'b'.repeat(40), lfs }
    expect(listedFile(large)).toEqual([{ path: 'onnx/model.onnx', bytes: 90_000_000, sha256 }])
    const small = { type: 'file', path: 'config.json', size: 650, oid: 'b'.repeat(40) }
    expect(listedFile(small)).toEqual([{ path: 'config.json', bytes: 650 }])
    expect(listedFile({ type: 'directory', path: 'onnx', size: 0 })).toEqual([])
    expect(listedFile('nonsense')).toEqual([])
  })

  test('tell it by headers too, before those of plain HTTP', () => {
    const linked = {
      'X-Linked-ETag': `"${sha256}"`,
      'X-Linked-Size': '9',
      'X-Repo-Commit': 'c0ffee',
      'Content-Length': '5',
    }
    expect(fileOfHeaders('a', new Headers(linked))).toMatchObject({ bytes: 9, sha256, commit: 'c0ffee' })
    const plain = fileOfHeaders('a', new Headers({ ETag: '"x"', 'Content-Length': '5' }))
    expect(plain).toEqual({ path: 'a', bytes: 5, state: '"x"', commit: undefined })
    expect(fileOfHeaders('a', new Headers({ 'Content-Length': '5', 'Content-Encoding': 'gzip' }))).toBeUndefined()
  })

  test('name the next page, which is asked for at the same origin only', () => {
    const page = 'https://hub.test/api/models/a/b/tree/main'
    expect(nextPage(`<${page}?cursor=2>; rel="next"`, page)).toBe(`${page}?cursor=2`)
    expect(nextPage('<https://elsewhere.test/2>; rel="next"', page)).toBeUndefined()
    expect(nextPage(null, page)).toBeUndefined()
  })
})
