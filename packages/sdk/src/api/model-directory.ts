/** Finds each model's manifest, once. */
import type { ModelSource } from '../contract/index.js'
import { EdgewardError, isEdgewardError, type ErrorCode } from '../errors/index.js'
import { abortable } from '../shared/index.js'

/** Answers about the model that will be the same next time; others (no network) are asked again. */
const lastingCodes: readonly ErrorCode[] = ['MANIFEST_NOT_FOUND', 'MANIFEST_INVALID']

/** Fetches and checks a manifest. */
export type LocateModel = (modelsUrl: string, model: string) => Promise<ModelSource>

export class ModelDirectory {
  readonly #modelsUrl: string | URL
  readonly #locate: LocateModel
  readonly #found = new Map<string, Promise<ModelSource | EdgewardError>>()

  constructor(modelsUrl: string | URL, locate: LocateModel) {
    this.#modelsUrl = modelsUrl
    this.#locate = locate
  }

  /** The model's source, or why there is none. `onLocate` is called when it has to be looked up. */
  find(model: string, signal: AbortSignal, onLocate?: () => void): Promise<ModelSource | EdgewardError> {
    const found = this.#found.get(model)
    if (found !== undefined) return abortable(found, signal)
    onLocate?.()
    // One request's abort must not take the manifest from another, and it is small: it is fetched to its end.
    const finding = this.#load(model).then((result) => {
      if (isEdgewardError(result) && !lastingCodes.includes(result.code)) this.#found.delete(model)
      return result
    })
    this.#found.set(model, finding)
    finding.catch(() => this.#found.delete(model))
    return abortable(finding, signal)
  }

  async #load(model: string): Promise<ModelSource | EdgewardError> {
    try {
      return await this.#locate(this.#absoluteUrl(), model)
    } catch (error) {
      if (isEdgewardError(error) && error.fallback !== 'final') return error
      throw error
    }
  }

  /** Made when it is first needed: a client may be created where there is no page yet (server-side rendering). */
  #absoluteUrl(): string {
    const base = globalThis.document?.baseURI ?? globalThis.location?.href
    try {
      return new URL(this.#modelsUrl, base).href
    } catch (cause) {
      const message = `The option models is ${JSON.stringify(String(this.#modelsUrl))}; outside a page it must be an absolute URL.`
      throw new EdgewardError('INVALID_OPTION', message, { cause })
    }
  }
}
