/** Recipes: a wrong one is refused with the path of the wrong field. */
import { describe, expect, it } from 'vitest'
import { parseRecipe } from '../../../packages/server/src/pack/recipe.js'
import { parseSource } from '../../../packages/server/src/pack/sources/parse-source.js'

const valid = () => ({
  id: 'a-model',
  task: 'tensors',
  licence: 'MIT',
  config: {},
  files: {
    'a.onnx': { sha256: 'a'.repeat(64), sources: ['file:a.onnx'] },
    'b.txt': { sha256: 'b'.repeat(64), bytes: 3, sources: ['npm:b@1.0.0/b.txt', 'hf:org/repo@main/b.txt'] },
  },
  assets: { characters: 'b.txt' },
  variants: [{ dtype: 'fp32', backends: ['wasm'], graphs: { model: { file: 'a.onnx' } } }],
})

describe('parseRecipe', () => {
  it('returns a right recipe as it is', () => {
    expect(parseRecipe(valid(), 'recipe.json')).toEqual(valid())
  })

  it('takes operations for a unit of work, and a comment', () => {
    const recipe = { ...valid(), operationsPerUnit: 12, comment: 'three by four' }
    expect(parseRecipe(recipe, 'recipe.json')).toEqual(recipe)
  })

  const aFile = valid().files['a.onnx']
  const aVariant = valid().variants[0]
  it.each<[string, object, string]>([
    ['a missing field', { licence: undefined }, 'recipe.json: licence is missing'],
    ['a misspelt field', { license: 'MIT' }, 'recipe.json: license is not a field that is known here'],
    ['an unknown task', { task: 'guess' }, 'recipe.json: task is "guess", should be ("tensors" |'],
    [
      'operations that nobody could count',
      { operationsPerUnit: 0.5 },
      'operationsPerUnit is 0.5, should be a whole number',
    ],
    ['no operations at all', { operationsPerUnit: 0 }, 'operationsPerUnit is 0, should be one or more'],
    ['no variant', { variants: [] }, 'recipe.json: variants[0] is missing'],
    [
      'an asset that is no file',
      { assets: { x: 'c.txt' } },
      'assets.x is "c.txt", should be a name in files (a.onnx, b.txt)',
    ],
    ['a file that nothing uses', { assets: {} }, 'files["b.txt"] is used by no graph and no asset'],
    ['a file without a source', { files: { 'a.onnx': { ...aFile, sources: [] } } }, 'files["a.onnx"].sources is []'],
    [
      'a digest that is none',
      { files: { 'a.onnx': { ...aFile, sha256: 'todo' } } },
      'files["a.onnx"].sha256 is "todo", should be a SHA-256',
    ],
    ['a file name that leaves the folder', { files: { '../a.onnx': aFile } }, 'files["../a.onnx"]'],
    [
      'a source of no known kind',
      { files: { ...valid().files, 'a.onnx': { ...aFile, sources: ['file:a.onnx', 'ftp://a'] } } },
      'files["a.onnx"].sources[1] is "ftp://a", should be npm:',
    ],
    [
      'a graph whose file is not listed',
      { variants: [{ ...aVariant, graphs: { model: { file: 'z.onnx' } } }] },
      'variants[0].graphs.model.file is "z.onnx"',
    ],
    [
      'a tolerance without its relative part',
      {
        variants: [
          { ...aVariant, graphs: { model: { file: 'a.onnx', canary: { inputs: {}, tolerance: { absolute: 1 } } } } },
        ],
      },
      'variants[0].graphs.model.canary.tolerance.relative is missing',
    ],
    [
      'a source of canaries beside the fp32 variant that they are made from',
      { canarySource: { graphs: { model: { file: 'a.onnx' } } } },
      'canarySource.graphs.model is not needed',
    ],
    [
      'a source of canaries for no graph',
      { canarySource: { graphs: { modle: { file: 'a.onnx' } } } },
      'canarySource.graphs.modle names no graph of a variant, should be one of: model',
    ],
    [
      'a source of canaries whose file is not listed',
      {
        variants: [{ ...aVariant, dtype: 'q8' }],
        canarySource: { graphs: { model: { file: 'a.onnx', externalData: ['z.bin'] } } },
      },
      'canarySource.graphs.model.externalData[0] is "z.bin"',
    ],
  ])('refuses %s', (_, change, message) => {
    const recipe = JSON.parse(JSON.stringify({ ...valid(), ...change })) as unknown
    expect(() => parseRecipe(recipe, 'recipe.json')).toThrow(message)
  })
})

describe('parseSource', () => {
  it.each([
    ['npm:left-pad@1.3.0/index.js', { kind: 'npm', name: 'left-pad', version: '1.3.0', path: 'index.js' }],
    ['npm:@a/b@1.0.0-rc.1/c/d.onnx', { kind: 'npm', name: '@a/b', version: '1.0.0-rc.1', path: 'c/d.onnx' }],
    ['pypi:some-thing==0.1.0/some/x.onnx', { kind: 'pypi', name: 'some-thing', version: '0.1.0', path: 'some/x.onnx' }],
    ['hf:org/repo@main/onnx/model.onnx', { kind: 'hf', repo: 'org/repo', revision: 'main', path: 'onnx/model.onnx' }],
    ['file:weights/model.onnx', { kind: 'file', path: 'weights/model.onnx' }],
  ])('reads %s', (source, parsed) => {
    expect(parseSource(source)).toEqual(parsed)
  })

  it.each([
    'npm:left-pad@latest/index.js',
    'npm:left-pad@^1.0.0/index.js',
    'npm:--registry=x@1.0.0/index.js',
    'npm:left-pad@1.3.0',
    'pypi:thing>=1.0/x',
    'pypi:-rfile==1.0/x',
    'hf:repo@main/x',
    'file:/etc/passwd',
    'file:C:\\x',
    'https://example.com/x',
    '',
  ])('does not take %j', (source) => {
    expect(parseSource(source)).toBeUndefined()
  })
})
