/** What a client knows of its device, its endpoints and the network, and how it learns it: what plans are made from. */
import type {
  Backend,
  Benchmark,
  Capabilities,
  Conditions,
  LinkMeasurement,
  Manifest,
  Placement,
  PlacementMeasurements,
  RestingPlacement,
  TaskName,
} from '../contract/index.js'
import type { ErrorCode } from '../errors/index.js'
import { createPageStore, watchConditions, type PageStore } from '../device/index.js'
import {
  EndpointBreakers,
  EndpointLoads,
  endpointKey,
  placementName,
  restingOf,
  Setbacks,
  type EndpointBreakersParts,
  type EndpointFacts,
} from '../router/index.js'
import { splitModelName } from '../shared/index.js'
import { Measurements } from '../telemetry/index.js'
import type { RecalledMeasurements, RememberPayload } from '../transport/index.js'
import { Places, type MeasuredPlace } from './places.js'

/** Where measurements are kept, and made: in the worker. */
export interface MeasurementKeeper {
  recall(browser: string): Promise<RecalledMeasurements>
  remember(payload: RememberPayload): Promise<unknown>
  benchmark(webgpu: boolean): Promise<Benchmark>
}

/** What outlives the page is kept in, and who hears of endpoints. */
export interface KnowledgeOptions extends Pick<EndpointBreakersParts, 'isReady' | 'onChange'> {
  /** Absent: notes are of this page alone. */
  readonly store?: PageStore
  /** Takes what pages were loading when they were killed, by the keys of {@link Setbacks}; never rejects. Absent: nothing. */
  readonly leftovers?: () => Promise<readonly { readonly key: string }[]>
}

/** Names under which the page's notes are kept. */
const setbacksNote = 'edgeward:setbacks'
const endpointsNote = 'edgeward:endpoints'

/** Nothing waits longer than this for the database: plans go on with what is known, and a client is disposed all the same. */
const databaseDeadlineMs = 500
/** Congestion of a network or an endpoint is over by then, or worth finding out about. */
const congestionMs = 60_000
/** Many answers in a row are written down once. */
const rememberAfterMs = 1_000

export class Knowledge {
  readonly places: Places
  readonly measurements = new Measurements()
  readonly loads = new EndpointLoads()
  readonly breakers: EndpointBreakers
  readonly setbacks: Setbacks
  readonly #keeper: MeasurementKeeper
  readonly #leftovers: NonNullable<KnowledgeOptions['leftovers']>
  #watching: ReturnType<typeof watchConditions> | undefined
  #recalling: Promise<void> | undefined
  #benchmark: RecalledMeasurements['benchmark']
  #isBenchmarkNew = false
  #bytesPerSecond: number | undefined
  #timer: ReturnType<typeof setTimeout> | undefined

  /** @param threads - WASM threads of each session */
  constructor(
    keeper: MeasurementKeeper,
    threads: number,
    { store = createPageStore(undefined), leftovers = nothingLeft, ...endpoints }: KnowledgeOptions = {},
  ) {
    this.#keeper = keeper
    this.#leftovers = leftovers
    this.places = new Places(threads)
    this.breakers = new EndpointBreakers({ ...endpoints, storage: noteIn(store, endpointsNote) })
    this.setbacks = new Setbacks(noteIn(store, setbacksNote))
  }

  /** How the machine feels; watched from the first time that somebody asks. */
  get conditions(): Conditions {
    this.#watching ??= watchConditions(() => undefined)
    return this.#watching.current
  }

  get link(): LinkMeasurement {
    return this.#bytesPerSecond === undefined ? {} : { bytesPerSecond: this.#bytesPerSecond }
  }

  /** Fetches what was measured before, once; whoever waits for it does not wait long. */
  recall(): Promise<void> {
    this.#recalling ??= withinDeadline(Promise.all([this.#recallMeasurements(), this.#recallKilledPages()]))
    return this.#recalling
  }

  #recallMeasurements(): Promise<void> {
    return this.#keeper.recall(this.places.browser).then(
      ({ records, benchmark }) => {
        this.measurements.load(records)
        this.#benchmark ??= benchmark
      },
      () => undefined, // Without a database or a worker there is nothing to recall.
    )
  }

  async #recallKilledPages(): Promise<void> {
    for (const { key } of await this.#leftovers()) this.setbacks.pageKilled(key)
  }

  /** Of this adapter; one that was made with another counts as none. */
  benchmark(capabilities: Capabilities): Benchmark | undefined {
    return this.#benchmark?.adapter === this.places.adapters(capabilities) ? this.#benchmark.value : undefined
  }

  async measureDevice(capabilities: Capabilities): Promise<void> {
    const hasGpu = capabilities.webgpu !== undefined && !capabilities.webgpu.isFallbackAdapter
    const value = await this.#keeper.benchmark(hasGpu)
    this.#benchmark = { adapter: this.places.adapters(capabilities), value }
    this.#isBenchmarkNew = true
    this.#rememberSoon()
  }

  /** The measurements of a model's device placements, by {@link placementName}. */
  ofDevice(manifest: Manifest, task: TaskName, capabilities: Capabilities, backends: readonly Backend[]) {
    const found = new Map<string, PlacementMeasurements>()
    for (const { dtype } of manifest.variants) {
      for (const backend of backends) {
        const placement = { engine: 'device', backend, variant: dtype } as const
        const place = { model: manifest.id, task, placement, manifest, capabilities }
        const runs = this.measurements.of(this.places.key(place))
        const others = this.measurements.of(this.places.key(place, false))
        if (runs || others) found.set(placementName(placement), { ...runs, ...others })
      }
    }
    return found
  }

  /** The device placements of a model that rest, by {@link placementName}. */
  resting(manifest: Manifest, capabilities: Capabilities): ReadonlyMap<string, RestingPlacement> {
    const { browser } = this.places
    return restingOf(this.setbacks, manifest, browser, (backend) => this.places.adapter(capabilities, backend))
  }

  /** Whether nothing speaks against asking a placement for what another one works on or has done: it rests not, nor is it loaded. */
  isAtEase(placement: Placement, manifest: Manifest | undefined, capabilities: Capabilities): boolean {
    if (placement.engine === 'device') {
      return manifest !== undefined && !this.resting(manifest, capabilities).has(placementName(placement))
    }
    const { endpoint } = placement
    return !this.loads.isSpared(endpoint, performance.now()) && this.breakers.of(endpoint) === undefined
  }

  ofEndpoint(endpoint: string, model: string, task: TaskName): EndpointFacts {
    const now = performance.now()
    const measurements = this.measurements.of(endpointKey(endpoint, splitModelName(model).id, task))
    return {
      endpoint,
      measurements,
      isMeasuredLongAgo: Date.now() - (measurements?.run?.lastAt ?? 0) > congestionMs,
      load: this.loads.of(endpoint, now),
      isSpared: this.loads.isSpared(endpoint, now),
      resting: this.breakers.of(endpoint),
    }
  }

  addRun(place: MeasuredPlace, units: number, ms: number, isUnfinished?: boolean): void {
    this.measurements.addRun(this.places.key(place), units, ms, isUnfinished)
    this.#rememberSoon()
  }

  /** A model was made ready from the cache alone. */
  addLoad(place: MeasuredPlace, bytes: number, ms: number): void {
    this.measurements.addLoad(this.places.key(place, false), bytes, ms)
    this.#rememberSoon()
  }

  judge(place: MeasuredPlace, code: ErrorCode, reason: string): void {
    this.measurements.judge(this.places.key(place, false), code, reason)
    this.#rememberSoon()
  }

  compare(place: MeasuredPlace, agreed: boolean): void {
    this.measurements.compare(this.places.key(place), agreed)
    this.#rememberSoon()
  }

  /** What a download brings at present. */
  sawLink(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond
  }

  /** Writes down what is not yet; and watches no more. */
  async dispose(): Promise<void> {
    this.#watching?.stop()
    await this.remember()
  }

  /** Resolves when what was measured is written down, or cannot be: the next visit then measures again. */
  async remember(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const records = this.measurements.takeChanged()
    const benchmark = this.#isBenchmarkNew ? this.#benchmark : undefined
    this.#isBenchmarkNew = false
    if (records.length === 0 && benchmark === undefined) return
    const payload = { browser: this.places.browser, records, ...(benchmark && { benchmark }) }
    await withinDeadline(
      this.#keeper.remember(payload).then(
        () => undefined,
        () => undefined,
      ),
    )
  }

  #rememberSoon(): void {
    this.#timer ??= setTimeout(() => void this.remember(), rememberAfterMs)
  }
}

/** One note, as what is kept in it needs it. */
function noteIn(store: PageStore, key: string) {
  return { read: () => store.read(key), write: (value: unknown) => store.write(key, value) }
}

function nothingLeft(): Promise<readonly never[]> {
  return Promise.resolve([])
}

function withinDeadline(promise: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, databaseDeadlineMs)
    void promise.finally(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}
