/** Manifests: what is right passes, what is wrong is refused by the path of the wrong field, as by the JSON Schema. */
import { readFile } from 'node:fs/promises'
import { Ajv } from 'ajv'
import { describe, expect, it } from 'vitest'
import { isEdgewardError } from '../../../packages/sdk/src/errors/index.js'
import { manifestSchema, parseManifest } from '../../../packages/sdk/src/manifest.js'
import { manifestJsonSchema } from '../../../scripts/write-manifest-schema.mjs'

const schemaFile = new URL('../../../packages/sdk/manifest.schema.json', import.meta.url)
const schemaText = await readFile(schemaFile, 'utf8')
const acceptsBySchema = new Ajv({ allErrors: true, strictTuples: false }).compile(JSON.parse(schemaText) as object)

const digest = 'a'.repeat(64)
const file = (path: string) => ({ path, bytes: 10, sha256: digest, chunks: [digest, digest, digest] })

/** A manifest with something of everything; tests break it one field at a time. */
const valid = () => ({
  schemaVersion: 1,
  id: 'a-model',
  revision: '0123456789abcdef',
  task: 'tensors',
  licence: 'Apache-2.0',
  chunkBytes: 4,
  assets: { tokenizer: file('tokenizer.json') },
  config: { anything: [1, { at: 'all' }] },
  variants: [
    {
      dtype: 'fp32',
      backends: ['webgpu', 'wasm'],
      graphs: {
        model: {
          file: file('onnx/model.onnx'),
          inputs: [{ name: 'x', dtype: 'float32', shape: ['batch', 2] }],
          outputs: [{ name: 'y', dtype: 'float32', shape: ['batch'] }],
          canary: {
            inputs: { x: { dtype: 'float32', shape: [1, 2], data: [0.5, -1] } as object },
            outputs: { y: { shape: [1], stride: 1, values: [3], tolerance: { absolute: 0.1, relative: 0 } } },
          },
        },
      },
    },
  ],
  provenance: [{ file: 'model.onnx', source: 'file:model.onnx', sha256: digest }],
  packedBy: '@edgeward/server@0.1.0',
})

/** A copy of the valid manifest in which the value at `path` is another one (or gone). */
function broken(path: readonly (string | number)[], value?: unknown): unknown {
  const manifest: unknown = valid()
  let holder = manifest as Record<string | number, unknown>
  for (const key of path.slice(0, -1)) holder = holder[key] as Record<string | number, unknown>
  const last = path[path.length - 1] ?? ''
  if (value === undefined) delete holder[last]
  else holder[last] = value
  return manifest
}

function refusal(manifest: unknown) {
  try {
    parseManifest(manifest, 'm/manifest.json')
  } catch (error) {
    if (isEdgewardError(error)) return error
    throw error
  }
  throw new Error('the manifest was accepted')
}

/** Where Ajv sees an error, written as `parseManifest` writes it. */
function schemaPaths(manifest: unknown): string[] {
  acceptsBySchema(manifest)
  return (acceptsBySchema.errors ?? []).map(({ instancePath, params }) => {
    const missing: unknown = params['missingProperty']
    const keys = [...instancePath.split('/').slice(1), ...(typeof missing === 'string' ? [missing] : [])]
    return keys
      .map((key) => (/^\d+$/.test(key) ? `[${key}]` : `.${key}`))
      .join('')
      .replace(/^\./, '')
  })
}

const graph = ['variants', 0, 'graphs', 'model'] as const
const canary = [...graph, 'canary'] as const

describe('parseManifest', () => {
  it('returns a right manifest as it is', () => {
    expect(parseManifest(valid(), 'm/manifest.json')).toEqual(valid())
    expect(acceptsBySchema(valid())).toBe(true)
  })

  it('lets keys through that a newer tool may have written, and leaves them out', () => {
    const newer = { ...valid(), signature: 'x' }
    expect(parseManifest(newer, 'm/manifest.json')).toEqual(valid())
    expect(acceptsBySchema(newer)).toBe(true)
  })

  it('takes a canary that says which build of the model made it, and one of older tools that does not', () => {
    const manifest = broken([...canary, 'madeFrom'], 'fp32')
    expect(parseManifest(manifest, 'm')).toEqual(manifest)
    expect(acceptsBySchema(manifest)).toBe(true)
    expect(parseManifest(valid(), 'm').variants[0].graphs['model']?.canary).not.toHaveProperty('madeFrom')
  })

  it('takes a ramp as the input of a canary', () => {
    const manifest = broken([...canary, 'inputs', 'x'], { dtype: 'float32', shape: [1, 2], fill: 'ramp' })
    expect(parseManifest(manifest, 'm')).toEqual(manifest)
    expect(acceptsBySchema(manifest)).toBe(true)
  })

  it.each([
    ['a digest that is not hex', [...graph, 'file', 'chunks', 2], 'xyz', '64 lower-case hex digits'],
    ['a digest in upper case', [...graph, 'file', 'sha256'], 'A'.repeat(64), '64 lower-case hex digits'],
    ['a missing field', [...graph, 'file', 'sha256'], undefined, 'is missing'],
    ['a missing graph list', ['variants', 0, 'graphs'], undefined, 'is missing'],
    ['no graph', ['variants', 0, 'graphs'], {}, 'at least one graph'],
    ['no variant', ['variants', 0], undefined, 'is missing'],
    ['a negative size', [...graph, 'file', 'bytes'], -1, 'zero or more'],
    ['a size that is no whole number', [...graph, 'file', 'bytes'], 1.5, 'a whole number'],
    ['a text for a number', ['chunkBytes'], '4', 'should be number'],
    ['chunks too large for a database record', ['chunkBytes'], 2 ** 25, 'at most 16 MiB'],
    ['an unknown dtype of a variant', ['variants', 0, 'dtype'], 'q3', '"q4f16"'],
    ['an unknown backend', ['variants', 0, 'backends', 1], 'webgl', '"wasm"'],
    ['an unknown task', ['task'], 'telepathy', '"feature-extraction"'],
    ['an unknown element type', [...graph, 'inputs', 0, 'dtype'], 'float', '"float32"'],
    ['a dimension that is neither', [...graph, 'inputs', 0, 'shape', 1], null, 'a symbolic dimension'],
    ['an id that is a path', ['id'], '../a-model', 'letters, digits'],
    ['an empty licence', ['licence'], '', 'not empty'],
    ['a stride of zero', [...canary, 'outputs', 'y', 'stride'], 0, 'one or more'],
    ['an expected value that is a text', [...canary, 'outputs', 'y', 'values', 0], 'NaN', 'should be number'],
    ['a negative tolerance', [...canary, 'outputs', 'y', 'tolerance', 'absolute'], -1, 'zero or more'],
    ['a canary of no known build', [...canary, 'madeFrom'], 'guess', 'should be ("fp32"'],
    ['an unknown fill', [...canary, 'inputs', 'x'], { dtype: 'float32', shape: [1], fill: 'noise' }, '"ramp"', '.fill'],
    ['a wrong value in a canary', [...canary, 'inputs', 'x', 'data', 1], true, 'a number or a text'],
  ])('refuses %s at its path, as the JSON Schema does', (_, path, value, wanted, deeper = '') => {
    const manifest = broken(path, value)
    const error = refusal(manifest)
    const field =
      path
        .map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`))
        .join('')
        .slice(1) + deeper
    expect(error.code).toBe('MANIFEST_INVALID')
    expect(error.details).toEqual({ where: 'm/manifest.json', path: field })
    expect(error.message).toContain(`m/manifest.json: ${field} `)
    expect(error.message).toContain(wanted)
    expect(schemaPaths(manifest)).toContain(field)
  })

  it.each([
    '../model.onnx',
    'a/../../model.onnx',
    './model.onnx',
    '/etc/passwd',
    'C:\\model.onnx',
    'a\\b',
    'https://elsewhere.example/model.onnx',
    '//elsewhere.example/model.onnx',
    'model.onnx?x=1',
    '%2e%2e/model.onnx',
    'a//b',
    'a/',
    '',
  ])('refuses the path %j, which could leave the folder', (path) => {
    const manifest = broken([...graph, 'file', 'path'], path)
    expect(refusal(manifest).details['path']).toBe('variants[0].graphs.model.file.path')
    expect(schemaPaths(manifest)).toContain('variants[0].graphs.model.file.path')
  })

  it.each([
    ['too few chunk digests', [...graph, 'file', 'chunks'], [digest], 'should be 3'],
    [
      'too many chunk digests of an asset',
      ['assets', 'tokenizer', 'bytes'],
      8,
      'should be 2',
      'assets.tokenizer.chunks',
    ],
    ['a canary for an input that is none', [...graph, 'inputs', 0, 'name'], 'z', 'one of: z', 'inputs.x'],
    ['a canary for an output that is none', [...graph, 'outputs', 0, 'name'], 'z', 'one of: z', 'outputs.y'],
    ['a canary of another dtype', [...graph, 'inputs', 0, 'dtype'], 'int32', 'should be "int32"', 'inputs.x.dtype'],
    ['a canary with a value too few', [...canary, 'inputs', 'x', 'data'], [1], 'should be 2', 'inputs.x.data'],
  ])('refuses %s', (_, path, value, wanted, field = 'chunks') => {
    const error = refusal(broken(path, value))
    expect(error.details['path']).toMatch(new RegExp(`${field.replaceAll('.', '\\.')}$`))
    expect(error.message).toContain(wanted)
  })

  it('takes external data in the folder of the graph and below', () => {
    const data = [file('onnx/model.onnx_data'), file('onnx/more/data')]
    const manifest = broken([...graph, 'externalData'], data)
    expect(parseManifest(manifest, 'here').variants[0].graphs['model']?.externalData).toEqual(data)
    expect(schemaPaths(manifest)).toEqual([])
  })

  it.each([
    ['outside of the folder of the graph', [file('data')], 'externalData[0].path', 'should begin with "onnx/"'],
    ['that is the graph itself', [file('onnx/model.onnx')], 'externalData[0].path', 'own file again'],
    ['of too few chunk digests', [{ ...file('onnx/d'), chunks: [digest] }], 'externalData[0].chunks', 'should be 3'],
  ])('refuses external data %s', (_, data, field, wanted) => {
    const error = refusal(broken([...graph, 'externalData'], data))
    expect(error.details['path']).toBe(`variants[0].graphs.model.${field}`)
    expect(error.message).toContain(wanted)
  })

  it('refuses two variants of one dtype', () => {
    const manifest = valid()
    const error = refusal({ ...manifest, variants: [...manifest.variants, ...manifest.variants] })
    expect(error.details['path']).toBe('variants[1].dtype')
  })

  it.each([2, '1', null])('tells a schema version of %j apart from a broken manifest', (schemaVersion) => {
    const error = refusal({ schemaVersion, entirely: 'different' })
    expect(error.details['path']).toBe('schemaVersion')
    expect(error.message).toContain('this version of Edgeward reads 1')
  })

  it.each([[null], [[]], ['text'], [7], [{}], [{ ...valid(), variants: [] }]])('refuses %j', (json) => {
    expect(refusal(json).code).toBe('MANIFEST_INVALID')
  })
})

describe('manifest.schema.json', () => {
  it('is what the schema in the source says', async () => {
    expect(await manifestJsonSchema(manifestSchema)).toBe(schemaText)
  })
})
