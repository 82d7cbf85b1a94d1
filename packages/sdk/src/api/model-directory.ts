/** Finds each model's manifest, once. */
import type { ModelSource } from '../contract/index.js'
import { EdgewardError, isEdgewardError, type ErrorCode } from '../errors/index.js'
import { abortable } from '../shared/index.js'
import type { LocateFrom, LocatePayload } from '../transport/index.js'

/** Answers about the model that will be the same next time; others (no network) are asked again. */
const lastingCodes: readonly ErrorCode[] = ['MANIFEST_NOT_FOUND', 'MANIFEST_INVALID']

/** Finds and checks a manifest. */
export type LocateModel = (payload: LocatePayload) => Promise<ModelSource>

/** A model's source, or why there is none. */
export type Found = ModelSource | EdgewardError

export class ModelDirectory {
  readonly #models: readonly (string | URL)[]
  readonly #locate: LocateModel
  readonly #found = new Map<string, Promise<Found>>()

  /** @param models - the mirrors, the first to be asked first */
  constructor(models: readonly (string | URL)[], locate: LocateModel) {
    this.#models = models
    this.#locate = locate
  }

  /** What was found first stays, but for what must be new. `onLocate` is called when a model has to be looked up. */
  find(model: string, from: LocateFrom, signal: AbortSignal, onLocate?: () => void): Promise<Found> {
    const key = keyOf(model, from)
    const found = this.#found.get(key)
    if (found !== undefined) return abortable(found, signal)
    onLocate?.()
    // One request's abort must not take the manifest from another, and it is small: it is fetched to its end.
    const finding = this.#load(model, from)
    this.#found.set(key, finding)
    const forget = () => {
      if (this.#found.get(key) === finding) this.#found.delete(key)
    }
    finding.then((result) => {
      if (from !== 'cache-first' || (isEdgewardError(result) && !lastingCodes.includes(result.code))) forget()
    }, forget)
    return abortable(finding, signal)
  }

  /** The sources of all models that were found so far. */
  async sources(): Promise<readonly ModelSource[]> {
    const found = await Promise.allSettled(this.#found.values())
    const all = found.flatMap((one) => (one.status === 'fulfilled' && !isEdgewardError(one.value) ? [one.value] : []))
    return [...new Map(all.map((source) => [source.manifestUrl, source])).values()]
  }

  /** Has this source used from now on. */
  keep(model: string, source: ModelSource): void {
    this.#found.set(keyOf(model, 'cache-first'), Promise.resolve(source))
  }

  /** Has the model looked up again. */
  forget(model: string): void {
    this.#found.delete(keyOf(model, 'cache-first'))
  }

  /** Absolute; made when first needed: a client may be created where there is no page yet (server-side rendering). */
  get modelsUrls(): readonly string[] {
    const base = globalThis.document?.baseURI ?? globalThis.location?.href
    return this.#models.map((address) => {
      try {
        return new URL(address, base).href
      } catch (cause) {
        const message = `The option models is ${JSON.stringify(String(address))}; outside a page it must be an absolute URL.`
        throw new EdgewardError('INVALID_OPTION', message, { cause })
      }
    })
  }

  async #load(model: string, from: LocateFrom): Promise<Found> {
    try {
      return await this.#locate({ modelsUrls: this.modelsUrls, model, from })
    } catch (error) {
      if (isEdgewardError(error) && error.fallback !== 'final') return error
      throw error
    }
  }
}

function keyOf(model: string, from: LocateFrom): string {
  return `${from} ${model}`
}
