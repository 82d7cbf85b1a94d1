/** The visits of a scenario, drawn from a seed: who comes when, with which device and network, and asks what. */
import { Random } from './random.js'
import { device, models, network, profiles, visits, type DeviceProfile, type ModelProfile } from './world.js'

export interface Visit {
  readonly startMs: number
  readonly profile: DeviceProfile
  readonly model: ModelProfile
  /** Whether the model is in the browser's cache from before. */
  readonly isReturning: boolean
  /** What this device does with this model, in floating-point operations a second. */
  readonly wasmFlops: number
  readonly webgpuFlops: number | undefined
  /** What its benchmark would say. */
  readonly benchmark: { readonly wasmFlops: number; readonly webgpuFlops: number | undefined }
  readonly bytesPerSecond: number
  readonly roundTripMs: number
  /** When there is no network, in order. */
  readonly cuts: readonly { readonly fromMs: number; readonly toMs: number }[]
  readonly requests: readonly { readonly atMs: number; readonly tokens: number }[]
  /** For everything that is drawn while it goes on. */
  readonly seed: number
}

/** How long after its last request a visit still has a network that may be cut, in milliseconds. */
const afterwardsMs = 600_000

export interface VisitPlan {
  readonly seed: number
  /** How many requests there are in all, at least. */
  readonly requests: number
  /** Draws when the next visit starts. */
  startOf(random: Random): number
  readonly models?: readonly ModelProfile[]
}

export function makeVisits({ seed, requests, startOf, models: known = models }: VisitPlan): readonly Visit[] {
  const random = new Random(seed)
  const made: Visit[] = []
  for (let count = 0; count < requests;) {
    const visit = makeVisit(startOf(random), random.fork(), known)
    const left = requests - count
    made.push({ ...visit, requests: visit.requests.slice(0, left) })
    count += Math.min(left, visit.requests.length)
  }
  return made
}

function makeVisit(startMs: number, random: Random, known: readonly ModelProfile[]): Visit {
  const profile = random.pick(profiles)
  const model = random.pick(known)
  const wasm = random.logNormal(profile.wasmFlops)
  const webgpu = profile.webgpuFlops && random.logNormal(profile.webgpuFlops)
  const requests = requestsOf(startMs, random)
  const endMs = (requests.at(-1)?.atMs ?? startMs) + afterwardsMs
  return {
    startMs,
    profile,
    model,
    isReturning: random.chance(visits.returning),
    benchmark: { wasmFlops: wasm, webgpuFlops: webgpu },
    wasmFlops: wasm * random.logNormal(device.efficiency),
    webgpuFlops: webgpu && webgpu * random.logNormal(device.efficiency),
    bytesPerSecond: random.logNormal(profile.bytesPerSecond),
    roundTripMs: random.logNormal(profile.roundTripMs),
    cuts: cutsOf(profile, startMs, endMs, random),
    requests,
    seed: Math.floor(random.next() * 2 ** 32),
  }
}

function requestsOf(startMs: number, random: Random): Visit['requests'] {
  const { median, spread, most } = visits.tokens
  let atMs = startMs
  return Array.from({ length: random.geometric(visits.meanRequests) }, (_, index) => {
    if (index > 0) atMs += random.logNormal(visits.gapSeconds) * 1000
    const tokens = Math.min(most, Math.max(3, Math.round(random.logNormal({ median, spread }))))
    return { atMs, tokens }
  })
}

function cutsOf({ offlineShare }: DeviceProfile, startMs: number, endMs: number, random: Random): Visit['cuts'] {
  const cuts: { fromMs: number; toMs: number }[] = []
  const meanCutMs = network.cutSeconds.median * 1000 * Math.exp(network.cutSeconds.spread ** 2 / 2)
  const meanUpMs = meanCutMs * (1 / offlineShare - 1)
  let at = startMs
  for (;;) {
    const fromMs = at - Math.log(1 - random.next()) * meanUpMs
    if (fromMs >= endMs) return cuts
    at = fromMs + random.logNormal(network.cutSeconds) * 1000
    cuts.push({ fromMs, toMs: at })
  }
}
