/** The table of rooms, as the lint rule applies it. */
import { Linter } from 'eslint'
import tseslint from 'typescript-eslint'
import { describe, expect, it } from 'vitest'
import { roomImports, whyForbidden } from '../../../tools/eslint/room-imports.mjs'

describe('a room of the SDK', () => {
  it.each([
    ['router/plan.ts', '../errors/index.js'],
    ['router/plan.ts', './estimate.js'],
    ['remote/oip/engine.ts', '../endpoint.js'],
    ['remote/oip/engine.ts', '../../shared/index.js'],
    ['tasks/registry.ts', '../generation/index.js'],
    ['worker/worker-api.ts', '../weights/index.js'],
    ['api/create-client.ts', '../tasks/page.js'],
    ['api/create-client.ts', '../runtime/index.js'],
  ])('%s may import %s', (file, specifier) => {
    expect(whyForbidden(file, specifier, false)).toBeUndefined()
  })

  it('is told which rooms it may import', () => {
    const reason = whyForbidden('router/plan.ts', '../weights/index.js', false)
    expect(reason).toContain('router may import contract, shared, errors; not weights')
  })

  it('may not import a room that its line of the table leaves out, not even its types', () => {
    expect(whyForbidden('runtime/worker-host.ts', '../worker/index.js', true)).toContain('not worker')
    expect(whyForbidden('api/client.ts', '../worker/index.js', false)).toContain('not worker')
    expect(whyForbidden('errors/codes.ts', '../shared/index.js', false)).toContain('errors may import nothing')
    expect(whyForbidden('weights/download.ts', '../remote/index.js', false)).toContain('not remote')
  })

  it('enters another room through its door only', () => {
    expect(whyForbidden('api/client.ts', '../router/plan.js', false)).toContain('router/index.js')
  })

  it('imports neither a door of the package nor a file outside it', () => {
    expect(whyForbidden('router/plan.ts', '../index.js', false)).toContain('may not import index.js')
    expect(whyForbidden('router/plan.ts', '../../../server/src/serve.js', false)).toContain('outside packages/sdk/src')
  })

  it('must stand in the table', () => {
    expect(whyForbidden('cellar/wine.ts', '../errors/index.js', false)).toContain('cellar is no room of the table')
  })

  it('imports types only when it holds types only', () => {
    expect(whyForbidden('contract/plan.ts', '../errors/index.js', true)).toBeUndefined()
    expect(whyForbidden('contract/plan.ts', '../errors/index.js', false)).toContain('import type')
    expect(whyForbidden('contract/index.ts', './plan.js', false)).toContain('import type')
  })
})

describe('a door of the package', () => {
  it('may open every room but the worker’s', () => {
    expect(whyForbidden('oip.ts', './remote/oip/index.js', false)).toBeUndefined()
    expect(whyForbidden('index.ts', './worker/index.js', false)).toContain('stays out of the page')
  })
})

describe('a wrapped package', () => {
  it('has its own importers', () => {
    expect(whyForbidden('worker/ort-session.ts', 'onnxruntime-web/webgpu', false)).toBeUndefined()
    expect(whyForbidden('weights/weights-db.ts', 'idb', false)).toBeUndefined()
    expect(whyForbidden('transport/serve.ts', 'comlink', false)).toBeUndefined()
    expect(whyForbidden('worker/session-pool.ts', 'valibot', false)).toBeUndefined()
  })

  it('is imported by nobody else', () => {
    const reason = whyForbidden('worker/session-pool.ts', 'onnxruntime-web/webgpu', false)
    expect(reason).toContain('only worker/ort-session.ts and worker/runtime-build.ts may import onnxruntime-web')
    expect(whyForbidden('weights/tabs.ts', 'idb', true)).toContain('only weights/weights-db.ts')
    expect(whyForbidden('runtime/worker-host.ts', 'comlink', false)).toContain('only transport/')
  })

  it('lends the types of ONNX Runtime to the whole worker room', () => {
    expect(whyForbidden('worker/session-pool.ts', 'onnxruntime-web', true)).toBeUndefined()
    expect(whyForbidden('runtime/queue.ts', 'onnxruntime-web', true)).toContain('types of onnxruntime-web')
  })
})

describe('the lint rule', () => {
  const reportsFor = (code: string, filename = '/repo/packages/sdk/src/router/plan.ts') =>
    new Linter({ cwd: '/repo' }).verify(
      code,
      [
        {
          files: ['**/*.ts'],
          languageOptions: { parser: tseslint.parser },
          plugins: { local: { rules: { 'room-imports': roomImports } } },
          rules: { 'local/room-imports': 'error' },
        },
      ],
      filename,
    )

  it.each([
    "import { load } from '../weights/index.js'",
    "import type { Weights } from '../weights/index.js'",
    "import '../weights/index.js'",
    "export { load } from '../weights/index.js'",
    "export * from '../weights/index.js'",
    "const weights = await import('../weights/index.js')",
    "type Weights = import('../weights/index.js').Weights",
  ])('sees %s', (code) => {
    expect(reportsFor(code).map((report) => report.message)).toEqual([expect.stringContaining('not weights')])
  })

  it('leaves files outside the SDK alone', () => {
    expect(reportsFor("import '../weights/index.js'", '/repo/packages/server/src/oip/infer.ts')).toEqual([])
  })
})
