/** Replays visits under one policy, in virtual time. */
import { Clock } from './clock.js'
import { SimulatedDevice } from './device.js'
import { SimulatedEndpoint } from './endpoint.js'
import { Link } from './link.js'
import { Random } from './random.js'
import type { Visit } from './visits.js'
import { endpoint as endpointProfile } from './world.js'

export interface Answer {
  readonly isAnswered: boolean
  readonly isLocal: boolean
}

/** What answers the requests of one visit. */
export interface Client {
  answer(tokens: number): Promise<Answer>
}

/** What a client is made of. */
export interface VisitParts {
  readonly clock: Clock
  readonly visit: Visit
  readonly device: SimulatedDevice
  readonly link: Link
  readonly endpoint: SimulatedEndpoint
  readonly random: Random
}

export interface Strategy {
  readonly name: string
  /** Whether downloads wait while requests are under way. */
  readonly isPausing: boolean
  createClient(parts: VisitParts): Client
}

/** A request that has ended. */
export interface Ended extends Answer {
  readonly atMs: number
  readonly ms: number
  readonly visit: Visit
}

export interface Replay {
  readonly requests: readonly Ended[]
  /** Bytes of weights that were downloaded, by visit. */
  readonly downloads: readonly number[]
  /** Times that the endpoint said no. */
  readonly refused: number
  /** Those of them that were said to a device which had the model ready. */
  readonly refusedReady: number
}

export interface ReplayOptions {
  /** How many times slower the endpoint is than in `world.ts`. */
  readonly endpointSlowness?: number
}

export async function replay(
  visits: readonly Visit[],
  { isPausing, createClient }: Strategy,
  { endpointSlowness = 1 }: ReplayOptions = {},
): Promise<Replay> {
  const clock = new Clock()
  const endpoint = new SimulatedEndpoint(clock, new Random(1), endpointSlowness)
  const requests: Ended[] = []
  const links: Link[] = []
  for (const visit of visits) {
    clock.after(visit.startMs, () => {
      const random = new Random(visit.seed)
      const link = new Link(clock, visit, random.fork(), isPausing)
      links.push(link)
      const device = new SimulatedDevice(clock, visit, random.fork(), link)
      const client = createClient({ clock, visit, device, link, endpoint, random: random.fork() })
      for (const { atMs, tokens } of visit.requests) {
        clock.after(atMs - clock.now, () => {
          void client.answer(tokens).then((answer) => requests.push({ ...answer, atMs, ms: clock.now - atMs, visit }))
        })
      }
    })
  }
  await clock.run()
  return {
    requests,
    downloads: links.map((link) => link.downloadedBytes),
    refused: endpoint.refused,
    refusedReady: endpoint.refusedReady,
  }
}

/**
 * Whether the device, once it has the model, answers a typical request at least as fast as the endpoint does when nobody else
 * asks it.
 */
export function isFit({ wasmFlops, webgpuFlops, profile, model, roundTripMs }: Visit): boolean {
  const operations = model.operationsPerUnit * typicalTokens * 1000
  const onWasm = operations / wasmFlops
  const onGpu = webgpuFlops === undefined ? Infinity : (profile.webgpuFixedMs ?? 0) + operations / webgpuFlops
  return Math.min(onWasm, onGpu) <= roundTripMs + endpointProfile.fixedMs + operations / endpointProfile.flops
}

const typicalTokens = 30
