/** Builds dist/: the page's ES module, the script-tag file, the worker, and ONNX Runtime's files beside it. */
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { xgrammarModule } from './xgrammar-module.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const source = (name) => join(here, 'src', name)
const dist = join(here, 'dist')

/** What worker/runtime-build.ts loads: for each build its script, its glue and its binary. */
const runtimeBuilds = {
  wasm: ['ort.wasm.min.mjs', 'ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm'],
  jspi: ['ort.jspi.min.mjs', 'ort-wasm-simd-threaded.jspi.mjs', 'ort-wasm-simd-threaded.jspi.wasm'],
  asyncify: ['ort.webgpu.min.mjs', 'ort-wasm-simd-threaded.asyncify.mjs', 'ort-wasm-simd-threaded.asyncify.wasm'],
}

/** What the page loads when it is first asked for, by the names of the files that both builds of the page load. */
const lazyFiles = {
  'api/generation/index.ts': 'page-text.js',
  'api/openai/index.ts': 'page-openai.js',
  'api/doctor.ts': 'page-doctor.js',
  'remote/openai/openai-client.ts': 'page-openai-client.js',
}

const common = {
  platform: 'browser',
  resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
  treeshake: true,
}
// Licences are told in THIRD-PARTY-NOTICES.md.
const output = { dir: dist, sourcemap: true, minify: true, comments: { annotation: true, legal: false, jsdoc: false } }

export default [
  {
    ...common,
    input: {
      index: source('index.ts'),
      manifest: source('manifest.ts'),
      oip: source('oip.ts'),
      generation: source('generation.ts'),
      exporters: source('exporters.ts'),
      opentelemetry: source('opentelemetry.ts'),
      ...Object.fromEntries(Object.entries(lazyFiles).map(([file, name]) => [name.replace('.js', ''), source(file)])),
    },
    // Only edgeward/manifest uses it, whose schemas are worth nothing without the same valibot around them.
    external: ['valibot'],
    output: { ...output, format: 'esm', chunkFileNames: 'shared-[hash].js' },
    plugins: [plainQuotes()],
  },
  {
    ...common,
    input: { worker: source('worker/main.ts') },
    // One file, so that a bundler which makes classic workers has nothing to split.
    output: { ...output, format: 'esm', codeSplitting: false },
    plugins: [copyRuntime()],
  },
  {
    ...common,
    input: { grammar: source('grammar.ts') },
    // One file too: the worker imports it by its address when the first grammar is asked for.
    output: { ...output, format: 'esm', codeSplitting: false },
    plugins: [xgrammarModule()],
  },
  {
    ...common,
    // Beside the worker, which imports it by its address when there is a language model (worker/generation-file.ts).
    input: { 'generation-worker': source('worker/generation-worker.ts') },
    output: { ...output, format: 'esm', codeSplitting: false },
  },
  {
    ...common,
    input: { edgeward: source('index.ts') },
    plugins: [besideTheScript()],
    // A classic script has no import.meta.url: where it lies is known only while it runs.
    transform: { define: { 'import.meta.url': '__edgewardScript' } },
    output: {
      ...output,
      format: 'iife',
      name: 'Edgeward',
      intro: 'const __edgewardScript = globalThis.document?.currentScript?.src ?? globalThis.location?.href;',
    },
  },
]

/** Bundlers look for `new Worker(new URL('…', import.meta.url))` as one writes it; the minifier writes backticks. */
function plainQuotes() {
  const minified = 'new URL(`./worker.js`,import.meta.url),{type:`module`}'
  return {
    name: 'plain-quotes',
    generateBundle(_options, bundle) {
      const { index } = Object.fromEntries(Object.values(bundle).map((file) => [file.name, file]))
      if (!index.code.includes(minified)) throw new Error('the worker is not spelled as expected in index.js')
      // As long as before, so that the source map still fits.
      index.code = index.code.replace(minified, minified.replaceAll('`', '"'))
    },
  }
}

/** One script has no parts: what it loads later are the files of the other build, which lie beside it. */
function besideTheScript() {
  return {
    name: 'beside-the-script',
    async resolveId(id, importer, { kind }) {
      if (kind !== 'dynamic-import' || importer === undefined) return null
      const file = relative(source('.'), join(dirname(importer), id.replace(/\.js$/, '.ts')))
      const name = lazyFiles[file]
      return name === undefined ? null : { id: `./${name}`, external: true }
    },
  }
}

function copyRuntime() {
  return {
    name: 'copy-onnx-runtime',
    writeBundle() {
      const runtime = dirname(createRequire(import.meta.url).resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm'))
      checkDigests(runtime)
      mkdirSync(join(dist, 'ort'), { recursive: true })
      for (const [script, glue, binary] of Object.values(runtimeBuilds)) {
        const text = (file) => withoutSourceMap(readFileSync(join(runtime, file), 'utf8'))
        writeFileSync(join(dist, 'ort', script), text(script))
        writeFileSync(join(dist, 'ort', glue), withReplaceableFactory(glue, text(glue)))
        copyFileSync(join(runtime, binary), join(dist, 'ort', binary))
      }
    },
  }
}

/** The worker refuses any other binary than the ones whose digests it was built with. */
function checkDigests(runtime) {
  const known = readFileSync(source('worker/runtime-digests.ts'), 'utf8')
  const lines = Object.entries(runtimeBuilds).map(([build, [, , binary]]) => {
    const digest = createHash('sha256')
      .update(readFileSync(join(runtime, binary)))
      .digest('base64')
    return `  ${build}: 'sha256-${digest}',`
  })
  const { version } = JSON.parse(readFileSync(join(runtime, '../package.json'), 'utf8'))
  lines.push(`export const runtimeVersion = '${version}'`)
  if (lines.every((line) => known.includes(line))) return
  throw new Error(`src/worker/runtime-digests.ts is of another onnxruntime-web; its lines must be\n${lines.join('\n')}`)
}

/** Without the pointer to a source map that is not shipped. */
function withoutSourceMap(script) {
  return script.replace(/^\/\/# sourceMappingURL=.*$/m, '')
}

/**
 * Lets worker/runtime-module.ts put a factory of its own between ONNX Runtime and the glue's. A pthread, which runs the
 * same file, calls the glue's. It is no file of its own, since bundlers write small ones into addresses (`data:`).
 */
function withReplaceableFactory(name, glue) {
  const defaultExport = 'export default ortWasmThreaded;'
  const parts = glue.split(defaultExport)
  if (parts.length !== 2) throw new Error(`${name} does not have \`${defaultExport}\` once`)
  return parts.join(
    'let edgewardFactory=ortWasmThreaded;' +
      'export const replaceFactory=(replace)=>{edgewardFactory=replace(ortWasmThreaded)};' +
      'export default (options)=>edgewardFactory(options);',
  )
}
