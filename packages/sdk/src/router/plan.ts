/** Decides where a request can run, in which order, and why: a pure function of what is known. */
import type {
  Backend,
  Capabilities,
  Manifest,
  Placement,
  Plan,
  PlannedPlacement,
  ResolvedPolicy,
  RuledOutPlacement,
  TaskName,
  Variant,
  VariantDtype,
} from '../contract/index.js'
import type { EdgewardError, ErrorCode, ErrorDetails } from '../errors/index.js'
import { estimateDevice, estimateEndpoint } from './estimate.js'
import { placementName, type PlanInput } from './plan-input.js'

interface Verdicts {
  readonly placements: readonly PlannedPlacement[]
  readonly ruledOut: readonly RuledOutPlacement[]
}

/** Why something cannot be. */
interface Obstacle {
  readonly code: ErrorCode
  readonly reason: string
  readonly details?: ErrorDetails
}

/** Best first, where the caller does not say: a real GPU beats the CPU on everything but the smallest models. */
const defaultBackends: readonly Backend[] = ['webgpu', 'wasm']

export function plan(input: PlanInput): Plan {
  const device = judgeDevice(input)
  const remote = judgeRemote(input)
  const order = input.policy.prefer === 'remote' ? [remote, device] : [device, remote]
  return {
    model: input.model,
    placements: order.flatMap(({ placements }) => placements),
    ruledOut: order.flatMap(({ ruledOut }) => ruledOut),
    shifts: [],
    ...(input.storage !== undefined && { storage: input.storage }),
  }
}

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

function judgeDevice(input: PlanInput): Verdicts {
  const { manifest, task, capabilities, device, policy, missing } = input
  const obstacle = deviceObstacle(capabilities, device.enabled) ?? taskObstacle(manifest, task)
  if (obstacle) return allOut('device', obstacle)
  if (!isManifest(manifest))
    return allOut('device', { code: manifest.code, reason: manifest.message, details: manifest.details })
  const placements: PlannedPlacement[] = []
  const ruledOut: RuledOutPlacement[] = []
  for (const backend of device.backends ?? defaultBackends) {
    for (const variant of manifest.variants) {
      const placement: Placement = { engine: 'device', backend, variant: variant.dtype }
      const against =
        backendObstacle(backend, variant, capabilities, device.backends !== undefined) ??
        cacheObstacle(input, variant.dtype)
      const missingBytes = missing?.[variant.dtype]?.bytes
      if (against) ruledOut.push({ placement, ...against })
      else {
        const reason = deviceReason(backend, capabilities, policy)
        placements.push({
          placement,
          reason,
          estimate: estimateDevice(input, manifest, variant, backend),
          readiness: input.readiness.get(placementName(placement)) ?? 'absent',
          ...(missingBytes !== undefined && { missingBytes }),
        })
      }
    }
  }
  for (const backend of defaultBackends) {
    if (device.backends === undefined || device.backends.includes(backend)) continue
    const reason = `the client was created with backends: [${device.backends.join(', ')}]`
    for (const { dtype } of manifest.variants) {
      ruledOut.push({ placement: { engine: 'device', backend, variant: dtype }, code: 'BACKEND_UNAVAILABLE', reason })
    }
  }
  return { placements, ruledOut }
}

function judgeRemote(input: PlanInput): Verdicts {
  const { endpoints, policy, manifest, task, device } = input
  if (endpoints.length === 0) return allOut('remote', { code: 'NO_PLACEMENT', reason: 'the client has no endpoint' })
  const against = remoteObstacle(input) ?? taskObstacle(manifest, task)
  const placements: PlannedPlacement[] = []
  const ruledOut: RuledOutPlacement[] = []
  for (const facts of endpoints) {
    const placement: Placement = { engine: 'remote', endpoint: facts.endpoint }
    if (against) ruledOut.push({ placement, ...against })
    else {
      const reason = remoteReason(device.enabled, policy)
      placements.push({ placement, reason, estimate: estimateEndpoint(input, facts), readiness: 'ready' })
    }
  }
  return { placements, ruledOut }
}

function remoteObstacle({ policy, manifest, task }: PlanInput): Obstacle | undefined {
  const forbidden = (reason: string): Obstacle => ({ code: 'NO_PLACEMENT', reason })
  if (policy.residency === 'local-only')
    return forbidden('the policy says local-only: the request must not leave the device')
  if (policy.offline) return forbidden('the policy says offline: no request may be made')
  if (isManifest(manifest) || task === 'tensors') return undefined
  const reason = `without a manifest, the task ${task} cannot be prepared for the endpoint: ${manifest.message}`
  return { code: manifest.code, reason }
}

function deviceObstacle(capabilities: Capabilities, enabled: boolean): Obstacle | undefined {
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

function taskObstacle(manifest: Manifest | EdgewardError, task: TaskName): Obstacle | undefined {
  // Every model's graphs can be run on bare tensors.
  if (!isManifest(manifest) || task === manifest.task || task === 'tensors') return undefined
  return { code: 'UNSUPPORTED_TASK', reason: `the model ${manifest.id} does ${manifest.task}, not ${task}` }
}

function backendObstacle(
  backend: Backend,
  variant: Variant,
  { webgpu }: Capabilities,
  insisted: boolean,
): Obstacle | undefined {
  const unavailable = (reason: string): Obstacle => ({ code: 'BACKEND_UNAVAILABLE', reason })
  if (!variant.backends.includes(backend)) return unavailable(`the variant ${variant.dtype} is not made for ${backend}`)
  if (backend === 'wasm') return undefined
  const against = gpuObstacle(webgpu, insisted)
  if (against !== undefined) return unavailable(against)
  const halfPrecision = variant.dtype === 'fp16' || variant.dtype === 'q4f16'
  if (halfPrecision && !webgpu?.shaderF16) return unavailable(`the GPU lacks shader-f16, which ${variant.dtype} needs`)
  return undefined
}

/** Why no variant can run on the GPU, if so. */
function gpuObstacle(webgpu: Capabilities['webgpu'], insisted: boolean): string | undefined {
  if (!webgpu) return 'there is no WebGPU adapter'
  return webgpu.isFallbackAdapter && !insisted ? 'the WebGPU adapter is software, which is slower than WASM' : undefined
}

function cacheObstacle({ model, onlyCached, missing }: PlanInput, dtype: VariantDtype): Obstacle | undefined {
  if (onlyCached === undefined || onlyCached.variants.includes(dtype)) return undefined
  const { files, bytes } = missing?.[dtype] ?? {}
  const much = bytes === undefined ? '' : ` (${bytes} bytes are missing)`
  const reason = `the variant ${dtype} is not in the cache${much}, and ${onlyCached.reason}`
  return { code: 'NOT_CACHED', reason, details: { model, missingFiles: files, missingBytes: bytes } }
}

function deviceReason(
  backend: Backend,
  { webgpu, crossOriginIsolated }: Capabilities,
  { prefer }: ResolvedPolicy,
): string {
  const role = prefer === 'remote' ? 'answers when the endpoint cannot' : 'the policy prefers the device'
  if (backend === 'webgpu')
    return `${role}; the GPU is ${webgpu?.vendor || 'unnamed'} ${webgpu?.architecture ?? ''}`.trimEnd()
  return `${role}; the CPU ${crossOriginIsolated ? 'with threads' : 'on one thread: the page is not cross-origin isolated'}`
}

function remoteReason(hasDevice: boolean, { prefer }: ResolvedPolicy): string {
  if (!hasDevice) return 'the client has no other engine'
  return prefer === 'remote' ? 'the policy prefers the endpoint' : 'answers when the device cannot'
}

function allOut(engine: Placement['engine'], obstacle: Obstacle): Verdicts {
  return { placements: [], ruledOut: [{ placement: { engine }, ...obstacle }] }
}

function isManifest(manifest: Manifest | EdgewardError): manifest is Manifest {
  return 'schemaVersion' in manifest
}
