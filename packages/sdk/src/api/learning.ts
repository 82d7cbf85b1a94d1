/** Learns from what came of requests and loads: what took how long, where, and what must not be used again. */
import type { DownloadProgress, EdgewardEvents, EngineAnswer, Manifest, Placement } from '../contract/index.js'
import { isEdgewardError, type EdgewardError, type ErrorDetails } from '../errors/index.js'
import type { DeviceKeyParts, Tried } from '../router/index.js'
import type { Emitter } from '../telemetry/index.js'
import type { Knowledge } from './knowledge.js'
import type { MeasuredPlace } from './places.js'
import type { DevicePlacement, Planned } from './planner.js'
import type { SecondRun } from './shadow-runs.js'

/** A fit takes some 50 µs, for which no answer waits, nor those of the requests that follow at once. */
const settleAfterMs = 50
/** Of a burst of requests, the first ones say enough. */
const mostWaiting = 16

export class Learning {
  readonly #knowledge: Knowledge
  /** The newest plan of each model, by its id: events tell the id only. */
  readonly #planned = new Map<string, Planned>()
  /** How far the load of each model is, by its id. */
  readonly #progress = new Map<string, DownloadProgress>()
  readonly #lastByteAt = new Map<string, number>()
  /** What runs took: the fits are made when the answer has been handed over. */
  readonly #waiting: (() => void)[] = []
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(knowledge: Knowledge, emitter: Emitter<EdgewardEvents>) {
    this.#knowledge = knowledge
    emitter.on('download', (progress) => this.#sawProgress(progress))
    emitter.on('ready', ({ model, placement, loadMs }) => this.#sawReady(model, placement, loadMs))
  }

  /** A request is about to be answered by this plan. */
  planned(planned: Planned): void {
    const manifest = manifestOf(planned)
    if (manifest) this.#planned.set(manifest.id, planned)
  }

  /** An attempt at a request of so much work has ended. */
  tried(planned: Planned, tried: Tried, units: number): void {
    const { placement, outcome } = tried
    // Nobody fails who may not go on with what another one began.
    if (tried.details?.['resumable'] === false) return
    if (placement.engine === 'remote') this.#triedEndpoint(placement.endpoint, tried)
    else this.#triedDevice(planned, placement, tried)
    const place = placeOf(planned, placement)
    if (outcome === 'CANARY_FAILED') this.#knowledge.judge(place, outcome, tried.message ?? outcome)
    this.#later(() => this.#addRun(place, tried, units))
  }

  /** Takes in what was seen so far; otherwise that waits until nobody waits for an answer. */
  settle(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const work of this.#waiting.splice(0)) work()
  }

  #later(work: () => void): void {
    if (this.#waiting.length < mostWaiting) this.#waiting.push(work)
    this.#timer ??= setTimeout(() => this.settle(), settleAfterMs)
  }

  #addRun(
    place: MeasuredPlace,
    { placement, outcome, durationMs, timings, isHedge, pace }: Tried,
    units: number,
  ): void {
    if (pace) {
      if (outcome === 'answered') this.#knowledge.addRun(place, units, streamMs(pace, timings))
      return
    }
    // It was late and lost against a hedge: it would have taken at least this long. A hedge that lost says nothing.
    if (outcome === 'cancelled' && !isHedge) this.#knowledge.addRun(place, units, durationMs, true)
    // So would an endpoint that had not answered when the time was over. A device may have been loading until then.
    const isLate = outcome === 'DEADLINE_EXCEEDED' && placement.engine === 'remote'
    if (isLate) this.#knowledge.addRun(place, units, durationMs, true)
    // A run that answered several requests says nothing of one.
    const isAlone = (timings?.batchedRequests ?? 1) === 1
    if (outcome === 'answered' && isAlone) this.#knowledge.addRun(place, units, workMs(placement, timings, durationMs))
  }

  /** An answered request was run again. */
  ranAgain(planned: Planned, { placement, result, ms }: SecondRun, units: number): void {
    if (result.state === 'failed') {
      // What kills the worker does so for nobody's sake, and once in a few seconds.
      if (placement.engine === 'device') this.failedBeside(planned, placement, result.error, ms)
      return
    }
    const place = placeOf(planned, placement)
    this.#knowledge.addRun(place, units, workMs(placement, result.timings, ms))
    const { agreed } = result.comparison
    if (agreed !== undefined) this.#knowledge.compare(place, agreed)
  }

  /** What nobody waited for, a load or a second run, has failed on the device. @param durationMs - how long that took */
  failedBeside(planned: Planned, placement: DevicePlacement, error: EdgewardError, durationMs: number): void {
    const { code, message } = error
    if (isEndedInOrder(error)) return
    if (code === 'CANARY_FAILED') this.#knowledge.judge(placeOf(planned, placement), code, message)
    this.#knowledge.setbacks.failed(this.#onDevice(planned, placement), code, message, durationMs)
  }

  #triedDevice(
    planned: Planned,
    placement: DevicePlacement,
    { outcome, message = '', durationMs, details }: Tried,
  ): void {
    const { setbacks } = this.#knowledge
    if (outcome === 'cancelled' || outcome === 'aborted' || isEndedInOrder({ details })) return
    const place = this.#onDevice(planned, placement)
    if (outcome === 'answered') setbacks.succeeded(place)
    else setbacks.failed(place, outcome, message, durationMs)
  }

  #triedEndpoint(endpoint: string, { outcome, message, retryAfterMs }: Tried): void {
    const { breakers, loads } = this.#knowledge
    if (outcome === 'answered') breakers.succeeded(endpoint)
    else if (outcome !== 'cancelled' && outcome !== 'aborted') {
      if (outcome === 'REMOTE_OVERLOADED') loads.refused(endpoint, performance.now())
      breakers.failed(endpoint, { code: outcome, message, retryAfterMs })
    }
  }

  #onDevice(planned: Planned, placement: DevicePlacement): DeviceKeyParts {
    const { model, capabilities } = planned
    return this.#knowledge.places.onDevice({ model, capabilities, placement, manifest: manifestOf(planned) })
  }

  /** When the last byte of the model's newest load came, by `performance.now()`. */
  lastByteAt(model: string): number | undefined {
    return this.#lastByteAt.get(model)
  }

  #sawProgress(progress: DownloadProgress): void {
    const { model, loadedBytes } = progress
    if (loadedBytes > (this.#progress.get(model)?.loadedBytes ?? 0)) this.#lastByteAt.set(model, performance.now())
    this.#progress.set(model, progress)
    if (progress.bytesPerSecond) this.#knowledge.sawLink(progress.bytesPerSecond)
  }

  #sawReady(model: string, placement: Placement, loadMs: number): void {
    const { cachedBytes = 0, totalBytes = 0 } = this.#progress.get(model) ?? {}
    this.#progress.delete(model)
    const planned = this.#planned.get(model)
    // A load that fetched something says more of the network than of this device.
    if (planned === undefined || totalBytes === 0 || cachedBytes < totalBytes) return
    this.#knowledge.addLoad(placeOf(planned, placement), totalBytes, loadMs)
  }
}

/**
 * Whether a worker was ended for reasons of Edgeward's own, because the page was left or a fresh one had taken over: what it
 * did meanwhile is not to blame.
 */
export function isEndedInOrder({ details }: { readonly details?: ErrorDetails | undefined }): boolean {
  return details?.['left'] === true || details?.['replaced'] === true
}

/** What an answer took without loading and waiting; at an endpoint, where that is not known, all of it. */
function workMs(placement: Placement, timings: EngineAnswer['timings'] | undefined, durationMs: number): number {
  const { preprocessMs = 0, inferenceMs = 0, postprocessMs = 0 } = timings ?? {}
  return placement.engine === 'device' ? preprocessMs + inferenceMs + postprocessMs : durationMs
}

/** What a text took that was written while it was read, without loading and waiting. */
function streamMs(
  { firstOutputMs = 0, laterMs }: NonNullable<Tried['pace']>,
  { loadMs = 0, queueMs = 0 }: EngineAnswer['timings'] = {},
): number {
  return Math.max(0, firstOutputMs + laterMs - loadMs - queueMs)
}

/** Where a placement of a plan is, as it is measured. */
export function placeOf(planned: Planned, placement: Placement): MeasuredPlace {
  const { model, task, capabilities } = planned
  return { model, task, placement, manifest: manifestOf(planned), capabilities }
}

function manifestOf({ source }: Planned): Manifest | undefined {
  return isEdgewardError(source) ? undefined : source.manifest
}
