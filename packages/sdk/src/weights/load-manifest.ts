/** Finds a model's manifest: at the first mirror that has it. */
import type { Manifest } from '../contract/index.js'
import { EdgewardError, isEdgewardError } from '../errors/index.js'
import type { ModelName } from '../shared/index.js'
import { isDownloadFailure, pause, retryDelayMs, type RetrySettings } from './retry.js'
import { fetchManifest } from './sources.js'

/** A manifest, and the address that it came from. */
export interface FoundManifest {
  readonly manifest: Manifest
  readonly url: string
}

export interface ManifestSettings extends RetrySettings {
  readonly stallMs: number
}

/** A manifest is small, and somebody waits for it: less patience than for weights. */
export const manifestDefaults: ManifestSettings = Object.freeze({
  stallMs: 10_000,
  maxTries: 3,
  retryBaseMs: 300,
  retryMaxMs: 2_000,
  maxRetryAfterMs: 5_000,
})

/** An address that is worth another request. */
interface Candidate {
  readonly url: string
  /** How long to wait before it is asked again. */
  readonly delayMs: number
}

/**
 * Asks one mirror after the other, and those with failures that may pass a few times more.
 *
 * @param urls Where the manifest may be; see `manifestUrl`.
 * @param name The model, with the revision that it must have, if any.
 * @throws {EdgewardError} the failure of the only address; of several, `MANIFEST_NOT_FOUND` when none has it,
 *   `MANIFEST_INVALID` when what they have is none, else `DOWNLOAD_FAILED`. On abort, `signal.reason`.
 */
export async function loadManifest(
  urls: readonly string[],
  { id, revision }: ModelName,
  signal: AbortSignal,
  settings: ManifestSettings = manifestDefaults,
): Promise<FoundManifest> {
  const failures = new Map<string, EdgewardError>()
  let candidates = urls
  for (let tries = 1; ; tries += 1) {
    const again: Candidate[] = []
    for (const url of candidates) {
      try {
        return { manifest: await fetchManifest({ url, id, revision, signal, stallMs: settings.stallMs }), url }
      } catch (error) {
        if (signal.aborted || !isEdgewardError(error)) throw error
        failures.set(url, error)
        const delayMs = isDownloadFailure(error) ? retryDelayMs(error, tries, settings) : undefined
        if (delayMs !== undefined) again.push({ url, delayMs })
      }
    }
    if (again.length === 0) throw nowhere(id, urls, failures)
    await pause(Math.min(...again.map(({ delayMs }) => delayMs)), signal)
    candidates = again.map(({ url }) => url)
  }
}

function nowhere(id: string, urls: readonly string[], failures: ReadonlyMap<string, EdgewardError>): EdgewardError {
  const errors = urls.flatMap((url) => failures.get(url) ?? [])
  const [first] = errors
  if (first !== undefined && urls.length === 1) return first
  const codes = new Set(errors.map(({ code }) => code))
  const code = first !== undefined && codes.size === 1 ? first.code : 'DOWNLOAD_FAILED'
  const why = errors.map(({ message }) => message).join('; ')
  const message = `model "${id}": none of ${urls.length} mirrors has its manifest: ${why}`
  const mirrors = urls.map((url) => ({ url, code: failures.get(url)?.code, ...failures.get(url)?.details }))
  return new EdgewardError(code, message, { details: { model: id, mirrors }, cause: first })
}
