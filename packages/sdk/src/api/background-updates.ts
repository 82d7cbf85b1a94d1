/** Has newer revisions of cached models downloaded in the background. */
import type { Conditions, EdgewardEvents } from '../contract/index.js'
import { isEdgewardError } from '../errors/index.js'
import { savesData, weakness } from '../router/index.js'
import { splitModelName } from '../shared/index.js'
import type { Emitter } from '../telemetry/index.js'
import type { UpdateOutcome } from '../transport/index.js'
import type { Updates } from './options.js'
import type { Planned } from './planner.js'

/** Looks for a newer revision of a model and brings it into the cache, unless that takes more bytes than the policy allows. */
export type UpdateModel = (model: string, maxDownloadBytes: number, signal: AbortSignal) => Promise<UpdateOutcome>

export class BackgroundUpdates {
  readonly #updates: Updates
  readonly #update: UpdateModel
  readonly #emitter: Emitter<EdgewardEvents>
  readonly #asked = new Set<string>()

  constructor(updates: Updates, update: UpdateModel, emitter: Emitter<EdgewardEvents>) {
    this.#updates = updates
    this.#update = update
    this.#emitter = emitter
  }

  /** After an answer on the device: once for each model, if it came from the cache and nothing speaks against it. */
  consider({ model, source, policy }: Planned, conditions: Conditions, signal: AbortSignal): void {
    if (this.#updates === 'manual' || policy.offline || savesData({ policy, conditions })) return
    if (weakness({ policy, conditions }) !== undefined) return
    if (isEdgewardError(source) || source.cachedVariants === undefined || this.#asked.has(model)) return
    this.#asked.add(model)
    this.#update(model, policy.maxDownloadBytes, signal).then(
      ({ update, storage }) => {
        for (const event of storage) this.#emitter.emit('storage', event)
        if (update) this.#emitter.emit('update', { model: splitModelName(model).id, ...update })
      },
      () => undefined, // Nobody waits for it: the cached revision serves, and the next client asks again.
    )
  }
}
