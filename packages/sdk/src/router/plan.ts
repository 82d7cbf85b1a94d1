/** Decides where a request can run, in which order, and why: a pure function of what is known. */
import type {
  Backend,
  Capabilities,
  Manifest,
  MissingByVariant,
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

export interface PlanInput {
  readonly model: string
  readonly task: TaskName
  /** The manifest, or why there is none. */
  readonly manifest: Manifest | EdgewardError
  readonly capabilities: Capabilities
  readonly policy: ResolvedPolicy
  /** Whether the client has a device engine, and the backends the caller insists on, best first. */
  readonly device: { readonly enabled: boolean; readonly backends: readonly Backend[] | undefined }
  /** The only variants that can be had, because they are in the cache, and why no other can; absent: all can. */
  readonly onlyCached?: { readonly variants: readonly VariantDtype[]; readonly reason: string } | undefined
  /** What of each variant is not in the cache, where somebody asked. */
  readonly missing?: MissingByVariant | undefined
  /** What became of the model's weights when they were last loaded, if that is worth telling. */
  readonly storage?: string | undefined
  /** The endpoint's address, if there is one. */
  readonly endpoint: string | undefined
}

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
    ...(input.storage !== undefined && { storage: input.storage }),
  }
}

/** The backend that every model would run on, where that is certain before its manifest is known. */
export function certainBackend(
  capabilities: Capabilities,
  { enabled, backends }: PlanInput['device'],
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
        placements.push({ placement, reason, ...(missingBytes !== undefined && { missingBytes }) })
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

function judgeRemote({ endpoint, policy, manifest, task, device }: PlanInput): Verdicts {
  if (endpoint === undefined) return allOut('remote', { code: 'NO_PLACEMENT', reason: 'the client has no endpoint' })
  const placement: Placement = { engine: 'remote', endpoint }
  if (policy.residency === 'local-only') {
    const reason = 'the policy says local-only: the request must not leave the device'
    return { placements: [], ruledOut: [{ placement, code: 'NO_PLACEMENT', reason }] }
  }
  if (policy.offline) {
    const reason = 'the policy says offline: no request may be made'
    return { placements: [], ruledOut: [{ placement, code: 'NO_PLACEMENT', reason }] }
  }
  const obstacle = taskObstacle(manifest, task)
  if (obstacle) return { placements: [], ruledOut: [{ placement, ...obstacle }] }
  if (!isManifest(manifest) && task !== 'tensors') {
    const reason = `without a manifest, the task ${task} cannot be prepared for the endpoint: ${manifest.message}`
    return { placements: [], ruledOut: [{ placement, code: manifest.code, reason }] }
  }
  return { placements: [{ placement, reason: remoteReason(device.enabled, policy) }], ruledOut: [] }
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
