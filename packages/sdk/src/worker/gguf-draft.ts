/** Makes a manifest of a GGUF's header: what can be made of its weights, for which backend, and what that takes. */
import type { Backend, Manifest, ManifestFile, ModelCost, ModelSource, Variant } from '../contract/index.js'
import { EdgewardError, isEdgewardError } from '../errors/index.js'
import { buildLlama, languageModelConfig, readGguf, type GgufFile, type LlamaDtype } from '../formats/index.js'
import type { ModelName } from '../shared/index.js'
import {
  draftChunkBytes,
  draftFile,
  isHubModel,
  locateGgufUrl,
  locateHubGguf,
  type GgufSource,
  type Network,
} from '../weights/index.js'
import { attentionOf } from './gguf-graph.js'

/**
 * What can be made of a GGUF, best first. On WASM, fp32 is exact and as fast as any other in decoding; int8 takes a quarter of the
 * memory; q8 is made float by the runtime and loses on both, but is what endpoints have: research/generation.md §1c.
 */
const builds: readonly { readonly dtype: LlamaDtype; readonly backend: Backend }[] = [
  { dtype: 'q4f16', backend: 'webgpu' },
  { dtype: 'q4', backend: 'webgpu' },
  { dtype: 'fp32', backend: 'wasm' },
  { dtype: 'int8', backend: 'wasm' },
  { dtype: 'q8', backend: 'wasm' },
]

/**
 * Peak memory for each byte of weights that the runtime is handed. WASM copies matrices for its kernels before the originals are
 * freed, and makes floats of q8 in between (measured: three copies of them); WebGPU stages what it uploads.
 */
const peakFactor: Readonly<Record<LlamaDtype, number>> = Object.freeze({
  fp32: 2,
  int8: 2,
  q8: 12,
  q4: 1.5,
  q4f16: 1.5,
})

/** 32-bit addresses: what takes more can never be loaded. */
const mostWasmBytes = 2 ** 32

/** @throws EdgewardError MODEL_UNSUPPORTED where nothing of it can be run, MANIFEST_INVALID for what is no GGUF */
export async function draftGguf(source: GgufSource): Promise<Manifest> {
  const gguf = await readGguf((start, end) => source.read(start, end), source.bytes)
  const config = { ...languageModelConfig(gguf) }
  const licence = gguf.metadata['general.license']
  return {
    schemaVersion: 1,
    id: source.id,
    revision: source.revision,
    task: 'text-generation',
    licence: source.licence ?? (typeof licence === 'string' && licence !== '' ? licence : 'NOASSERTION'),
    chunkBytes: draftChunkBytes,
    assets: {},
    config,
    cost: costOf(gguf),
    variants: variantsOf(gguf, draftFile(source)),
    provenance: source.askedFor === undefined ? [] : [{ file: '', source: source.askedFor, sha256: '' }],
    packedBy: 'edgeward (read from the GGUF)',
  }
}

/** The source of a GGUF at an address, or on the hub. @throws EdgewardError as these do; on abort, `signal.reason` */
export function locateGguf(name: ModelName, network: Network, signal: AbortSignal): Promise<ModelSource> {
  const locate = isHubModel(name.id) ? locateHubGguf : locateGgufUrl
  return locate(name, network, draftGguf, signal)
}

function variantsOf(gguf: GgufFile, file: ManifestFile): Manifest['variants'] {
  const refusals: EdgewardError[] = []
  const possible = builds.flatMap(({ dtype, backend }): Variant[] => {
    try {
      return [variantOf(gguf, file, dtype, backend)]
    } catch (error) {
      if (!isEdgewardError(error) || error.code !== 'MODEL_UNSUPPORTED') throw error
      refusals.push(error)
      return []
    }
  })
  const [best, ...others] = possible
  if (best) return [best, ...others]
  const why = [...new Set(refusals.map(({ message }) => message))].join(' ')
  throw new EdgewardError('MODEL_UNSUPPORTED', why, { details: refusals[0]?.details ?? {} })
}

function variantOf(gguf: GgufFile, file: ManifestFile, dtype: LlamaDtype, backend: Backend): Variant {
  const { externalBytes, inputs, outputs } = buildLlama(gguf, {
    dtype,
    attention: attentionOf(backend),
    externalPath: 'weights',
  })
  const memoryBytes = Math.round(externalBytes * peakFactor[dtype])
  if (backend === 'wasm' && memoryBytes > mostWasmBytes) {
    const message = `As ${dtype} it takes ${memoryBytes} bytes on ${backend}, which addresses ${mostWasmBytes} at most.`
    throw new EdgewardError('MODEL_UNSUPPORTED', message, { details: { dtype, memoryBytes } })
  }
  return { dtype, backends: [backend], memoryBytes, graphs: { model: { file, inputs, outputs } } }
}

function costOf({ tensors }: GgufFile): ModelCost {
  const counts = [...tensors.values()].map(({ shape }) => shape.reduce((product, length) => product * length, 1))
  return { parameters: counts.reduce((sum, count) => sum + count, 0), largestTensorParameters: Math.max(...counts) }
}
