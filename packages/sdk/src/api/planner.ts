/** Makes the plan for a request: from the model's source, what this device can, and what the cache has. */
import type {
  Capabilities,
  EdgewardEvents,
  Manifest,
  MissingByVariant,
  ModelSource,
  Plan,
  Policy,
  ResolvedPolicy,
  TaskName,
} from '../contract/index.js'
import { isEdgewardError, type ErrorCode } from '../errors/index.js'
import { plan, type PlanInput } from '../router/index.js'
import { abortable, splitModelName } from '../shared/index.js'
import type { Emitter } from '../telemetry/index.js'
import type { LocateFrom } from '../transport/index.js'
import type { Found, ModelDirectory } from './model-directory.js'
import { resolvePolicy, type ResolvedClientOptions } from './resolve-options.js'
import type { StorageReasons } from './storage-reasons.js'

/** What plans are made from. */
export interface PlannerParts {
  readonly options: ResolvedClientOptions
  readonly endpoint: string | undefined
  readonly models: ModelDirectory
  readonly emitter: Emitter<EdgewardEvents>
  readonly storageReasons: StorageReasons
  readonly probe: () => Promise<Capabilities>
  /** What of each variant is not in the cache. */
  readonly missing: (manifest: Manifest) => Promise<MissingByVariant>
}

export interface PlanRequest {
  readonly model: string
  /** The model's own, when absent. */
  readonly task?: TaskName
  readonly policy?: Policy | undefined
  /** Where the manifest must come from, unless the policy says offline. */
  readonly from?: LocateFrom
  /** Whether the plan says what is in the cache. */
  readonly isExplained?: boolean
  /** Whether a load begins here, which is told to who listens. */
  readonly isLoad?: boolean
}

/** A plan, with what it was made from. */
export interface Planned {
  readonly model: string
  readonly task: TaskName
  readonly policy: ResolvedPolicy
  readonly capabilities: Capabilities
  readonly source: Found
  readonly planned: Plan
}

/** What a device placement fails with when another client has replaced the revision that this one found in the cache. */
const codesOfReplaced: readonly ErrorCode[] = ['INTEGRITY', 'DOWNLOAD_FAILED', 'NOT_CACHED']

const offlineReason = (model: string) =>
  `the policy says offline; models.download(${JSON.stringify(model)}) brings it there while there is a network`

export class Planner {
  readonly #parts: PlannerParts
  /** The models that go on with the variants that are cached, since their source could not be asked for others; why. */
  readonly #onlyCached = new Map<string, string>()
  #capabilities: Promise<Capabilities> | undefined

  constructor(parts: PlannerParts) {
    this.#parts = parts
  }

  capabilities(): Promise<Capabilities> {
    this.#capabilities ??= this.#parts.probe()
    return this.#capabilities
  }

  async plan(request: PlanRequest, signal: AbortSignal): Promise<Planned> {
    const { options, models } = this.#parts
    const { model, from = 'cache-first', isLoad } = request
    const policy = resolvePolicy(request.policy, options.policy)
    const onLocate = () => isLoad && this.#tellLocating(model)
    const [found, capabilities] = await Promise.all([
      models.find(model, policy.offline ? 'cache' : from, signal, onLocate),
      abortable(this.capabilities(), signal),
    ])
    const facts: Facts = { request, policy, capabilities }
    if (policy.offline) return this.#complete(facts, found, offlineReason(model))
    const onlyCached = this.#onlyCached.get(model)
    if (onlyCached !== undefined) return this.#complete(facts, found, onlyCached)
    return lacksVariant(found, this.#planFor(facts, found))
      ? this.#withNewest(facts, found, signal)
      : this.#complete(facts, found)
  }

  /** Whether a request that failed so, with a source from the cache, may go on with another revision. */
  async isReplaced({ model, source, policy }: Planned, codes: readonly ErrorCode[], signal: AbortSignal) {
    if (isEdgewardError(source) || !source.cachedVariants || !codes.some((code) => codesOfReplaced.includes(code)))
      return false
    const { models } = this.#parts
    models.forget(model)
    const now = await models.find(model, policy.offline ? 'cache' : 'cache-first', signal)
    return !isEdgewardError(now) && now.manifest.revision !== source.manifest.revision
  }

  /** The variant that this device would use is not cached: the newest manifest comes first, the cached one is next best. */
  async #withNewest(facts: Facts, cached: Found, signal: AbortSignal): Promise<Planned> {
    const { model } = facts.request
    const newest = await this.#parts.models.find(model, 'source', signal)
    if (!isEdgewardError(newest)) {
      this.#parts.models.keep(model, newest)
      return this.#complete(facts, newest)
    }
    const planned = await this.#complete(facts, cached, newest.message)
    if (deviceVariant(planned.planned)) this.#onlyCached.set(model, newest.message)
    return planned
  }

  async #complete(facts: Facts, source: Found, onlyCached?: string): Promise<Planned> {
    const { request, policy, capabilities } = facts
    const { model, task = taskOf(source), isExplained } = request
    let planned = this.#planFor(facts, source, { onlyCached })
    if (!isEdgewardError(source) && (isExplained || (onlyCached !== undefined && !deviceVariant(planned)))) {
      // Without a worker nothing is known of the cache, and nothing of it can be used.
      const missing = await this.#parts.missing(source.manifest).catch(() => undefined)
      planned = this.#planFor(facts, source, { onlyCached, missing })
    }
    return { model, task, policy, capabilities, source, planned }
  }

  #planFor(
    { request, policy, capabilities }: Facts,
    source: Found,
    { onlyCached, missing }: { readonly onlyCached?: string | undefined; readonly missing?: PlanInput['missing'] } = {},
  ): Plan {
    const { options, endpoint, storageReasons } = this.#parts
    const { model, task = taskOf(source), isExplained } = request
    const variants = isEdgewardError(source) ? [] : (source.cachedVariants ?? [])
    return plan({
      model,
      task,
      manifest: isEdgewardError(source) ? source : source.manifest,
      capabilities,
      policy,
      device: { enabled: options.device, backends: options.backends },
      onlyCached: onlyCached === undefined ? undefined : { variants, reason: onlyCached },
      missing,
      storage: isExplained ? storageReasons.of(splitModelName(model).id) : undefined,
      endpoint,
    })
  }

  /** A load begins with the manifest; where no device is used, nothing is loaded. */
  #tellLocating(model: string): void {
    const { options, emitter } = this.#parts
    const nothingYet = { phase: 'manifest', loadedBytes: 0, totalBytes: 0, cachedBytes: 0 } as const
    if (options.device) emitter.emit('download', { model: splitModelName(model).id, ...nothingYet })
  }
}

interface Facts {
  readonly request: PlanRequest
  readonly policy: ResolvedPolicy
  readonly capabilities: Capabilities
}

/** The variant that would run on the device. */
export function deviceVariant({ placements }: Plan) {
  for (const { placement } of placements) if (placement.engine === 'device') return placement.variant
  return undefined
}

function lacksVariant(source: Found, planned: Plan): boolean {
  if (isEdgewardError(source) || source.cachedVariants === undefined) return false
  const variant = deviceVariant(planned)
  return variant !== undefined && !source.cachedVariants.includes(variant)
}

/** The task that a model is packed for; without a manifest only bare tensors can be asked of it. */
function taskOf(source: Found): TaskName {
  return isEdgewardError(source) ? 'tensors' : source.manifest.task
}

/** What of a source a request takes along. */
export function foundOf(source: Found): Partial<ModelSource> {
  return isEdgewardError(source) ? {} : source
}
