/** Puts the SDK's worker and ONNX Runtime's files on the misbehaving file server: another origin, as a CDN is. */
import { serveFile, type ServedFile } from './file-server-client.js'

export interface ServedRuntime {
  readonly workerUrl: string
  /** The binary of the plain build. The server does not know the type of WebAssembly. */
  readonly binary: ServedFile
}

const binaryPath = 'ort/ort-wasm-simd-threaded.wasm'
const scriptPaths = ['worker.js', 'ort/ort.wasm.min.mjs', 'ort/ort-wasm-simd-threaded.mjs']

export async function serveRuntime(): Promise<ServedRuntime> {
  const bytes = await shipped(binaryPath)
  const binary = await serveFile(bytes, bytes.length, binaryPath)
  const folder = binary.url.slice(0, -binaryPath.length)
  for (const path of scriptPaths) await fetch(folder + path, { method: 'PUT', body: await shipped(path) })
  return { workerUrl: `${folder}worker.js`, binary }
}

async function shipped(path: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await (await fetch(`/shipped/${path}`)).arrayBuffer())
}
