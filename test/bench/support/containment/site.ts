/** The site of the comparison: that of the chaos tests, with Transformers.js, its runtime, and its names for the models. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { fromRoot } from '../../../../scripts/lib/root.mjs'
import { startSite, type MoreContent, type Site } from '../../../chaos/support/site.js'
import { peerFolder, peers } from '../peers.mjs'
import { transformersConfig } from '../server.mjs'

/** Starts sites, each on a port of its own: an origin of its own, with a store of its own. */
export async function siteMaker(): Promise<() => Promise<Site>> {
  const [library, runtime] = await Promise.all([peerFolder(peers.transformers), peerFolder(peers.transformersRuntime)])
  const more = contentOf(path.join(library, 'dist'), path.join(runtime, 'dist'))
  return () => startSite(more)
}

/** The weights of all-minilm-l6-v2, by the names of either library. */
export const weights = /\/model_(q8|quantized)\.onnx/
/** The WebAssembly of ONNX Runtime, of either library. */
export const runtimeWasm = /\/(ort|peer\/runtime)\/[^?]*\.wasm(\?|$)/

function contentOf(library: string, runtime: string): MoreContent {
  const read = (...parts: readonly string[]) => readFile(path.join(...parts))
  return (asked) => {
    const [, place = '', rest = ''] =
      /^\/(peer\/runtime|containment|hub)\/(.+)$/.exec(path.posix.normalize(asked)) ?? []
    if (asked === '/peer/transformers.js') return readLibrary(library)
    if (asked === '/peer/runtime.js') return read(fromRoot('test/bench/pages/containment/runtime.js'))
    if (asked === '/faulty-sdk/worker.js') return Promise.resolve(Buffer.from(faultyWorker))
    if (place === 'peer/runtime') return read(runtime, rest)
    if (place === 'containment') return read(fromRoot('test/bench/pages/containment'), rest)
    if (place === 'hub') return readFromHub(rest)
    return undefined
  }
}

const faultyWorker = ['/chaos/worker-faults.js', '/containment/more-faults.js', './worker.js?real']
  .map((script) => `import '${script}'`)
  .join('\n')

/** The file that its package has for bundlers; its two imports are what a bundler would put in. */
async function readLibrary(folder: string): Promise<Buffer> {
  const code = await readFile(path.join(folder, 'transformers.web.js'), 'utf8')
  return Buffer.from(code.replace(/from "onnxruntime-(web\/webgpu|common)"/g, 'from "/peer/runtime.js"'))
}

/** `<model>/resolve/main/<file>`, as huggingface.co has them. */
async function readFromHub(rest: string): Promise<Buffer> {
  const [, model = '', file = ''] = /^([^/]+)\/resolve\/main\/(.+)$/.exec(rest) ?? []
  if (file === 'config.json') return Buffer.from(transformersConfig)
  const own = file.replace('onnx/model_quantized.onnx', 'model_q8.onnx').replace('onnx/', '')
  return readFile(fromRoot('.models', model, own))
}
