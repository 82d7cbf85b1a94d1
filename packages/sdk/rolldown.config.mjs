/** Builds dist/: the page's ES module, the script-tag file, the worker, and ONNX Runtime's files beside it. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const source = (name) => join(here, 'src', name)
const dist = join(here, 'dist')

/** What worker/runtime-build.ts loads: for each build its script, its glue and its binary. */
const runtimeFiles = [
  'ort.wasm.min.mjs',
  'ort-wasm-simd-threaded.mjs',
  'ort-wasm-simd-threaded.wasm',
  'ort.jspi.min.mjs',
  'ort-wasm-simd-threaded.jspi.mjs',
  'ort-wasm-simd-threaded.jspi.wasm',
  'ort.webgpu.min.mjs',
  'ort-wasm-simd-threaded.asyncify.mjs',
  'ort-wasm-simd-threaded.asyncify.wasm',
]

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
    input: { index: source('index.ts'), manifest: source('manifest.ts'), oip: source('oip.ts') },
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
    input: { edgeward: source('index.ts') },
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

function copyRuntime() {
  return {
    name: 'copy-onnx-runtime',
    writeBundle() {
      const runtime = dirname(createRequire(import.meta.url).resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm'))
      mkdirSync(join(dist, 'ort'), { recursive: true })
      for (const file of runtimeFiles) {
        if (file.endsWith('.wasm')) copyFileSync(join(runtime, file), join(dist, 'ort', file))
        else writeFileSync(join(dist, 'ort', file), withoutSourceMap(readFileSync(join(runtime, file), 'utf8')))
      }
    },
  }
}

/** Without the pointer to a source map that is not shipped. */
function withoutSourceMap(script) {
  return script.replace(/^\/\/# sourceMappingURL=.*$/m, '')
}
