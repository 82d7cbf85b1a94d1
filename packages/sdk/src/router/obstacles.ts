/** Obstacles: what rules a placement out, with the reason in words that a user understands. Pure. */
import type {
  Backend,
  Capabilities,
  Estimate,
  Manifest,
  Placement,
  Readiness,
  TaskName,
  Variant,
} from '../contract/index.js'
import type { EdgewardError, ErrorCode, ErrorDetails } from '../errors/index.js'
import { bytesInWords } from './amounts.js'
import { bytesPerWeight } from './assumed-costs.js'
import { placementName, type PlanInput } from './plan-input.js'

/** Why something cannot be. */
export interface Obstacle {
  readonly code: ErrorCode
  readonly reason: string
  readonly details?: ErrorDetails
}

/** A placement on the device that nothing about the backend speaks against, with what it would cost. */
export interface Costed {
  readonly placement: Extract<Placement, { engine: 'device' }>
  readonly estimate: Estimate
  readonly readiness: Readiness
}

/** Best first, where the caller does not say: a real GPU beats the CPU on everything but the smallest models. */
export const defaultBackends: readonly Backend[] = ['webgpu', 'wasm']

/** A download that is not worth talking about, even where data is to be saved. */
const littleData = 2 ** 20

/** The backend that every model would run on, where that is certain before its manifest is known. */
export function certainBackend(
  capabilities: Capabilities,
  { enabled, backends }: Pick<PlanInput['device'], 'enabled' | 'backends'>,
): Backend | undefined {
  if (deviceObstacle(capabilities, enabled)) return undefined
  const isUsable = (backend: Backend) =>
    backend === 'wasm' || gpuObstacle(capabilities.webgpu, backends !== undefined) === undefined
  const [only, ...others] = (backends ?? defaultBackends).filter(isUsable)
  return others.length === 0 ? only : undefined
}

export function remoteObstacle({ policy, manifest, task }: PlanInput): Obstacle | undefined {
  const forbidden = (reason: string): Obstacle => ({ code: 'NO_PLACEMENT', reason })
  if (policy.residency === 'local-only')
    return forbidden('the policy says local-only: the request must not leave the device')
  if (policy.offline) return forbidden('the policy says offline: no request may be made')
  if (isManifest(manifest) || task === 'tensors') return undefined
  const reason = `without a manifest, the task ${task} cannot be prepared for the endpoint: ${manifest.message}`
  return { code: manifest.code, reason }
}

export function deviceObstacle(capabilities: Capabilities, enabled: boolean): Obstacle | undefined {
  const unsupported = (reason: string): Obstacle => ({ code: 'DEVICE_UNSUPPORTED', reason })
  if (!enabled) return unsupported('the client was created with device: false')
  if (!capabilities.workers) return unsupported('there are no workers here')
  if (!capabilities.wasm)
    return unsupported("WebAssembly is missing, or a Content-Security-Policy lacks 'wasm-unsafe-eval'")
  if (!capabilities.wasm.simd) return unsupported('WebAssembly has no SIMD here, which the runtime needs')
  if (!capabilities.secureContext)
    return unsupported('weights cannot be verified on an insecure page: use HTTPS or localhost')
  return undefined
}

export function taskObstacle(manifest: Manifest | EdgewardError, task: TaskName): Obstacle | undefined {
  // Every model's graphs can be run on bare tensors.
  if (!isManifest(manifest) || task === manifest.task || task === 'tensors') return undefined
  return { code: 'UNSUPPORTED_TASK', reason: `the model ${manifest.id} does ${manifest.task}, not ${task}` }
}

/** Why a backend cannot run a variant, whatever it costs. */
export function backendObstacle(
  backend: Backend,
  variant: Variant,
  { cost }: Manifest,
  { capabilities: { webgpu }, device }: PlanInput,
): Obstacle | undefined {
  const unavailable = (reason: string): Obstacle => ({ code: 'BACKEND_UNAVAILABLE', reason })
  if (!variant.backends.includes(backend)) return unavailable(`the variant ${variant.dtype} is not made for ${backend}`)
  if (backend === 'wasm') return undefined
  const against = gpuObstacle(webgpu, device.backends !== undefined)
  if (against !== undefined) return unavailable(against)
  const halfPrecision = variant.dtype === 'fp16' || variant.dtype === 'q4f16'
  if (halfPrecision && !webgpu?.shaderF16) return unavailable(`the GPU lacks shader-f16, which ${variant.dtype} needs`)
  const largestBytes = (cost?.largestTensorParameters ?? 0) * bytesPerWeight[variant.dtype]
  const limitBytes = Math.min(webgpu?.maxStorageBufferBindingBytes ?? 0, webgpu?.maxBufferBytes ?? 0)
  if (largestBytes <= limitBytes) return undefined
  return unavailable(
    `the model's largest tensor takes ${bytesInWords(largestBytes)}, and the GPU binds ${bytesInWords(limitBytes)} at most`,
  )
}

/** Why a placement that could run must not: a verdict, memory, or what policy says of downloads. */
export function costObstacle(costed: Costed, input: PlanInput, mustSaveData: boolean): Obstacle | undefined {
  return (
    verdictObstacle(costed, input) ??
    memoryObstacle(costed, input) ??
    cacheObstacle(costed, input) ??
    downloadObstacle(costed, input, mustSaveData)
  )
}

/** Whether a placement needs more of the network than somebody who saves data would like. */
export function needsMuchData({ readiness, estimate }: Pick<Costed, 'readiness' | 'estimate'>): boolean {
  return !isNear(readiness) && estimate.downloadBytes > littleData
}

/** Whether all weights of it are on the device. */
export function isNear(readiness: Readiness): boolean {
  return readiness === 'ready' || readiness === 'cached'
}

export function isManifest(manifest: Manifest | EdgewardError): manifest is Manifest {
  return 'schemaVersion' in manifest
}

/** Why no variant can run on the GPU, if so. */
function gpuObstacle(webgpu: Capabilities['webgpu'], insisted: boolean): string | undefined {
  if (!webgpu) return 'there is no WebGPU adapter'
  return webgpu.isFallbackAdapter && !insisted ? 'the WebGPU adapter is software, which is slower than WASM' : undefined
}

function verdictObstacle({ placement }: Costed, { measurements }: PlanInput): Obstacle | undefined {
  const verdict = measurements.get(placementName(placement))?.verdict
  if (verdict === undefined) return undefined
  return { code: verdict.code, reason: `with this driver and browser version it failed before: ${verdict.reason}` }
}

function memoryObstacle({ estimate, readiness }: Costed, { policy, capabilities }: PlanInput): Obstacle | undefined {
  const { memoryBytes } = estimate
  const needs = `the model takes ${bytesInWords(memoryBytes)} of memory`
  if (memoryBytes > policy.maxMemoryBytes)
    return { code: 'OUT_OF_MEMORY', reason: `${needs}, and the policy allows ${bytesInWords(policy.maxMemoryBytes)}` }
  const { deviceMemoryGiB } = capabilities
  // What is ready has found its room.
  if (deviceMemoryGiB === undefined || readiness === 'ready' || memoryBytes <= (deviceMemoryGiB * 2 ** 30) / 2)
    return undefined
  return { code: 'OUT_OF_MEMORY', reason: `${needs}, more than half of the device's ${deviceMemoryGiB} GiB` }
}

function cacheObstacle({ placement }: Costed, { model, onlyCached, missing }: PlanInput): Obstacle | undefined {
  const dtype = placement.variant
  if (onlyCached === undefined || onlyCached.variants.includes(dtype)) return undefined
  const { files, bytes } = missing?.[dtype] ?? {}
  const much = bytes === undefined ? '' : ` (${bytes} bytes are missing)`
  const reason = `the variant ${dtype} is not in the cache${much}, and ${onlyCached.reason}`
  return { code: 'NOT_CACHED', reason, details: { model, missingFiles: files, missingBytes: bytes } }
}

function downloadObstacle(costed: Costed, { model, policy }: PlanInput, mustSaveData: boolean): Obstacle | undefined {
  const { placement, readiness, estimate } = costed
  if (isNear(readiness)) return undefined
  const { downloadBytes } = estimate
  const { maxDownloadBytes } = policy
  const lacks = `the variant ${placement.variant} lacks ${bytesInWords(downloadBytes)}`
  const details = { model, missingBytes: downloadBytes }
  if (downloadBytes > maxDownloadBytes) {
    const reason = `${lacks}, and the policy allows a download of ${bytesInWords(maxDownloadBytes)}`
    return { code: 'NOT_CACHED', reason, details: { ...details, maxDownloadBytes } }
  }
  if (!mustSaveData || !needsMuchData(costed)) return undefined
  return {
    code: 'NOT_CACHED',
    reason: `${lacks}, data is to be saved, and an endpoint can answer`,
    details: { ...details, savesData: true },
  }
}
