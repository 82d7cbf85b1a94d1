/** Puts together what a plan is made from, and has it made. */
import type { Backend, Capabilities, Plan, Readiness, ResolvedPolicy, TaskName } from '../contract/index.js'
import { isEdgewardError } from '../errors/index.js'
import { placementName, plan, type PlanInput } from '../router/index.js'
import { splitModelName } from '../shared/index.js'
import { modelKey } from '../transport/index.js'
import type { Found } from './model-directory.js'
import type { PlannerParts, PlanRequest } from './planner.js'

/** A request with what was found out for it. */
export interface Facts {
  readonly request: PlanRequest
  readonly policy: ResolvedPolicy
  readonly capabilities: Capabilities
}

export class PlanFacts {
  readonly #parts: PlannerParts
  /** The variants that were ready in this client. */
  readonly #wasReady = new Set<string>()

  constructor(parts: PlannerParts) {
    this.#parts = parts
  }

  planFor(
    { request, policy, capabilities }: Facts,
    source: Found,
    { onlyCached, missing }: { readonly onlyCached?: string | undefined; readonly missing?: PlanInput['missing'] } = {},
  ): Plan {
    const { options, storageReasons, threads, knowledge, answers = () => true } = this.#parts
    const { model, task = taskOf(source), isExplained, units = ordinaryUnits[task] } = request
    const { lane = 'default', purpose = 'answer' } = request
    const manifest = isEdgewardError(source) ? source : source.manifest
    const endpoints = this.#parts.endpoints.filter((endpoint) => answers(endpoint, task, model))
    const variants = isEdgewardError(source) ? [] : (source.cachedVariants ?? [])
    return plan({
      model,
      task,
      manifest,
      capabilities,
      conditions: knowledge.conditions,
      policy,
      device: { enabled: options.device, backends: options.backends, threads },
      onlyCached: onlyCached === undefined ? undefined : { variants, reason: onlyCached },
      missing,
      storage: isExplained ? storageReasons.of(splitModelName(model).id) : undefined,
      endpoints: endpoints.map((endpoint) => knowledge.ofEndpoint(endpoint, model, task)),
      units,
      lane,
      purpose,
      readiness: this.#readiness(source),
      measurements: isEdgewardError(manifest)
        ? noMeasurements
        : knowledge.ofDevice(manifest, task, capabilities, backendNames),
      resting: isEdgewardError(manifest) ? nothingRests : knowledge.resting(manifest, capabilities),
      endpointOrder: options.endpointOrder,
      benchmark: knowledge.benchmark(capabilities),
      link: knowledge.link,
    })
  }

  /** Of every placement on the device. */
  #readiness(source: Found): PlanInput['readiness'] {
    const found = new Map<string, Readiness>()
    if (isEdgewardError(source)) return found
    const { id } = source.manifest
    // What was ready here is in the cache, unless it could not be kept.
    const isKept = this.#parts.storageReasons.of(id) === undefined
    for (const { dtype: variant } of source.manifest.variants) {
      for (const backend of backendNames) {
        const placement = { engine: 'device', backend, variant } as const
        const live = this.#parts.readiness(source, placement)
        const key = `${modelKey(source.manifest)} ${variant}`
        if (live === 'ready') this.#wasReady.add(key)
        const isCached = source.cachedVariants?.includes(variant) || (isKept && this.#wasReady.has(key))
        found.set(placementName(placement), live ?? (isCached ? 'cached' : 'absent'))
      }
    }
    return found
  }
}

/** The task that a model is packed for; without a manifest only bare tensors can be asked of it. */
export function taskOf(source: Found): TaskName {
  return isEdgewardError(source) ? 'tensors' : source.manifest.task
}

const backendNames: readonly Backend[] = ['webgpu', 'wasm']
const noMeasurements: PlanInput['measurements'] = new Map()
const nothingRests: PlanInput['resting'] = new Map()

/** Where nobody says how much work a request is: two sentences, a picture of a megapixel, a thousand numbers. */
const ordinaryUnits: { readonly [T in TaskName]: number } = {
  tensors: 1,
  'feature-extraction': 32,
  'image-to-text': 1,
  'text-generation': 256,
}
