/** Makes the plan for a request: from the model's source, what this device can, and what the cache has. */
import type {
  Attempt,
  Backend,
  Capabilities,
  EdgewardEvents,
  Lane,
  Manifest,
  MissingByVariant,
  ModelSource,
  Placement,
  Plan,
  Policy,
  ResolvedPolicy,
  TaskName,
} from '../contract/index.js'
import { isEdgewardError, type ErrorCode } from '../errors/index.js'
import { certainBackend, savesData, type PlanInput } from '../router/index.js'
import { abortable, splitModelName } from '../shared/index.js'
import type { Emitter } from '../telemetry/index.js'
import type { LocateFrom } from '../transport/index.js'
import type { Knowledge } from './knowledge.js'
import type { Found, ModelDirectory } from './model-directory.js'
import { PlanFacts, taskOf, type Facts } from './plan-facts.js'
import type { ResolvedClientOptions } from './resolve-options.js'
import { resolvePolicy } from './resolve-policy.js'
import type { StorageReasons } from './storage-reasons.js'

/** A place on this device. */
export type DevicePlacement = Extract<Placement, { engine: 'device' }>

/** What plans are made from. */
export interface PlannerParts {
  readonly options: ResolvedClientOptions
  readonly endpoints: readonly string[]
  /** Whether an endpoint answers requests of a task and a model, as far as its options tell; absent: each does. */
  readonly answers?: (endpoint: string, task: TaskName, model: string) => boolean
  /** WASM threads of each session. */
  readonly threads: number
  readonly models: ModelDirectory
  readonly emitter: Emitter<EdgewardEvents>
  readonly storageReasons: StorageReasons
  readonly probe: () => Promise<Capabilities>
  /** What of each variant is not in the cache. */
  readonly missing: (manifest: Manifest) => Promise<MissingByVariant>
  /** Starts the runtime for a backend, before a model asks for it. */
  readonly warm: (backend: Backend) => void
  readonly knowledge: Knowledge
  /** Why a model could not be made ready in the background, if so. */
  readonly backgroundReason: (model: string) => string | undefined
  /** How near a placement of the device is, if anything was begun. */
  readonly readiness: (source: ModelSource, placement: DevicePlacement) => 'ready' | 'loading' | undefined
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
  /** What is loaded by this plan, if something is: the beginning is told to who listens. */
  readonly load?: 'files' | 'sessions'
  /** How much work the request is; without one, an ordinary request of its task is taken. */
  readonly units?: number
  readonly lane?: Lane
  /** `answer`, when absent. */
  readonly purpose?: PlanInput['purpose']
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
  readonly #facts: PlanFacts
  /** The models that go on with the variants that are cached, since their source could not be asked for others; why. */
  readonly #onlyCached = new Map<string, string>()
  #capabilities: Promise<Capabilities> | undefined

  constructor(parts: PlannerParts) {
    this.#parts = parts
    this.#facts = new PlanFacts(parts)
  }

  capabilities(): Promise<Capabilities> {
    this.#capabilities ??= this.#parts.probe()
    return this.#capabilities
  }

  /** Probes again, after the page was away: plans go on with what is known until that is done. */
  recheck(): void {
    if (this.#capabilities === undefined) return
    const again = this.#parts.probe()
    again.then(
      () => (this.#capabilities = again),
      () => undefined, // What was known before still is.
    )
  }

  /** @throws EdgewardError INVALID_OPTION */
  policyOf(policy: Policy | undefined): ResolvedPolicy {
    return resolvePolicy(policy, this.#parts.options.policy)
  }

  async plan(request: PlanRequest, signal: AbortSignal): Promise<Planned> {
    const { options, models, knowledge } = this.#parts
    const { model, from = 'cache-first', load } = request
    const policy = this.policyOf(request.policy)
    const onLocate = () => {
      if (load && options.device) this.#tellLocating(model)
      if (load === 'sessions' && this.#isDeviceSure(policy, request)) this.#warm()
    }
    const finding = models.find(model, policy.offline ? 'cache' : from, signal, onLocate)
    const asking = Promise.all([finding, this.capabilities(), knowledge.recall()])
    const [found, capabilities] = await abortable(asking, signal)
    const facts: Facts = { request, policy, capabilities }
    if (policy.offline) return this.#complete(facts, found, offlineReason(model))
    const onlyCached = this.#onlyCached.get(model)
    if (onlyCached !== undefined) return this.#complete(facts, found, onlyCached)
    const planned = this.#facts.planFor(facts, found)
    return lacksVariant(found, planned)
      ? this.#withNewest(facts, found, signal)
      : this.#complete(facts, found, undefined, planned)
  }

  /** Has the model looked up again when the device failed so with a source from the cache; returns whether it will be. */
  reconsider({ model, source }: Planned, codes: readonly ErrorCode[]): boolean {
    if (isEdgewardError(source) || !source.cachedVariants || !codes.some((code) => codesOfReplaced.includes(code)))
      return false
    this.#parts.models.forget(model)
    return true
  }

  /** Whether a request that failed so, with a source from the cache, may go on with another revision. */
  async isReplaced(planned: Planned, codes: readonly ErrorCode[], signal: AbortSignal): Promise<boolean> {
    const { model, source, policy } = planned
    if (!this.reconsider(planned, codes) || isEdgewardError(source)) return false
    const { models } = this.#parts
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

  async #complete(
    facts: Facts,
    source: Found,
    onlyCached?: string,
    first = this.#facts.planFor(facts, source, { onlyCached }),
  ): Promise<Planned> {
    const { request, policy, capabilities } = facts
    const { model, task = taskOf(source), isExplained } = request
    let planned = first
    if (!isEdgewardError(source) && (isExplained || isTooMuch(planned))) {
      // Without a worker nothing is known of the cache, and nothing of it can be used.
      const missing = await this.#parts.missing(source.manifest).catch(() => undefined)
      planned = this.#facts.planFor(facts, source, { onlyCached, missing })
    }
    const background = isExplained ? this.#parts.backgroundReason(model) : undefined
    if (background !== undefined) planned = { ...planned, background }
    return { model, task, policy, capabilities, source, planned }
  }

  /** Whether the request will wait for the device, so that the runtime may start while the manifest travels. */
  #isDeviceSure(policy: ResolvedPolicy, { purpose }: PlanRequest): boolean {
    const { endpoints, knowledge } = this.#parts
    // Offline, nothing is fetched before it is known to be needed; and a limit may keep the model off the device.
    if (policy.offline || policy.prefer === 'remote' || policy.maxDownloadBytes !== Infinity) return false
    const isAlone = endpoints.length === 0 || policy.residency === 'local-only' || policy.prefer === 'cheapest'
    return isAlone || (purpose === 'prepare' && !savesData({ policy, conditions: knowledge.conditions }))
  }

  /** A load begins with the manifest. */
  #tellLocating(model: string): void {
    const nothingYet = { phase: 'manifest', loadedBytes: 0, totalBytes: 0, cachedBytes: 0 } as const
    this.#parts.emitter.emit('download', { model: splitModelName(model).id, ...nothingYet })
  }

  /** Lets the runtime start while the manifest travels. */
  #warm(): void {
    const { options, warm } = this.#parts
    const { device: enabled, backends } = options
    const start = (capabilities: Capabilities) => {
      const backend = certainBackend(capabilities, { enabled, backends })
      if (backend) warm(backend)
    }
    // Whoever plans waits for the same probe, and hears of its failure.
    this.capabilities().then(start, () => undefined)
  }
}

/** The variant that would run on the device. */
export function deviceVariant({ placements }: Plan) {
  for (const { placement } of placements) if (placement.engine === 'device') return placement.variant
  return undefined
}

/** Whether nothing runs on the device for what would have to be downloaded first; of which much may be in the cache. */
function isTooMuch(planned: Plan): boolean {
  return !deviceVariant(planned) && planned.ruledOut.some(({ code }) => code === 'NOT_CACHED')
}

function lacksVariant(source: Found, planned: Plan): boolean {
  if (isEdgewardError(source) || source.cachedVariants === undefined) return false
  const variant = deviceVariant(planned)
  return variant !== undefined && !source.cachedVariants.includes(variant)
}

/** What of a source a request takes along. */
export function foundOf(source: Found): Partial<ModelSource> {
  return isEdgewardError(source) ? {} : source
}

/** The codes that a request ended with. */
export function codesOf(error: unknown): readonly ErrorCode[] {
  if (!isEdgewardError(error)) return []
  const { attempts = [] } = error.details as { attempts?: readonly Attempt[] }
  return [error.code, ...attempts.map(({ code }) => code)]
}
