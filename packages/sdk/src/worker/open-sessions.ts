/** The sessions that are open: who works with them, and what is not freed yet. */
import type { Backend, Graph, TensorMap } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import { createDeferred, type Deferred } from '../shared/index.js'
import type { GeneratePayload } from '../transport/index.js'
import type { GenerationStreams, OpenStream } from './generation-streams.js'
import type { Turn } from './lane-queue.js'
import type { GraphSession } from './ort-session.js'

export interface OpenGraph {
  readonly graph: Graph
  readonly session: GraphSession
}

/** The sessions of a model at a place: what its requests run their graphs with. */
export class ModelSessions {
  readonly #modelId: string
  readonly #graphs: ReadonlyMap<string, OpenGraph>
  readonly #streams: GenerationStreams | undefined

  constructor(modelId: string, graphs: ReadonlyMap<string, OpenGraph>, streams?: GenerationStreams) {
    this.#modelId = modelId
    this.#graphs = graphs
    this.#streams = streams
  }

  get count(): number {
    return this.#graphs.size
  }

  infer(name: string, inputs: TensorMap, outputs: readonly string[] | undefined, turn: Turn): Promise<TensorMap> {
    const open = this.#graphs.get(name)
    if (open === undefined) {
      const there = [...this.#graphs.keys()].join(', ')
      throw new EdgewardError('MANIFEST_INVALID', `${this.#modelId} has no graph ${name}; it has: ${there}.`)
    }
    return open.session.run(inputs, outputs ?? open.graph.outputs.map((output) => output.name), turn)
  }

  /** @throws EdgewardError UNSUPPORTED_TASK when it is no language model */
  generate(payload: GeneratePayload): OpenStream {
    if (this.#streams) return this.#streams.open(payload)
    throw new EdgewardError('UNSUPPORTED_TASK', `${this.#modelId} is no language model: it generates no text.`)
  }

  /** @param why - what is being written fails with it */
  async release(why?: EdgewardError): Promise<void> {
    await this.#streams?.dispose(why)
    await Promise.all([...this.#graphs.values()].map(({ session }) => session.release()))
  }
}

interface Place {
  readonly backend: Backend
  readonly sessions: ModelSessions
  users: number
  /** Resolves when nobody works with it any more; absent until somebody wants to free it. */
  idle?: Deferred<undefined>
}

/** Keeps {@link ModelSessions} by the key of their place. */
export class OpenSessions {
  readonly #open = new Map<string, Place>()
  /** The places whose sessions are not released yet, those that wait for it included. */
  readonly #held = new Set<Place>()

  /** How many sessions are not released yet. */
  get count(): number {
    return [...this.#held].reduce((sum, { sessions }) => sum + sessions.count, 0)
  }

  get(key: string): ModelSessions | undefined {
    return this.#open.get(key)?.sessions
  }

  /** Keeps sessions; if others of that place were faster, frees these. Resolves with those that are kept. */
  async add(key: string, backend: Backend, sessions: ModelSessions): Promise<ModelSessions> {
    const faster = this.#open.get(key)
    if (faster !== undefined) {
      await sessions.release()
      return faster.sessions
    }
    const place = { backend, sessions, users: 0 }
    this.#open.set(key, place)
    this.#held.add(place)
    return sessions
  }

  /** Works with the sessions of a place, which are not unloaded meanwhile; undefined when they are not open. */
  use<T>(key: string, work: (sessions: ModelSessions) => Promise<T>): Promise<T> | undefined {
    const place = this.#open.get(key)
    if (place === undefined) return undefined
    place.users += 1
    return work(place.sessions).finally(() => {
      place.users -= 1
      if (place.users === 0) place.idle?.resolve(undefined)
    })
  }

  /** Frees the sessions of a place as soon as nobody works with them. From now on nobody gets them. */
  async unload(key: string): Promise<void> {
    const place = this.#open.get(key)
    if (place === undefined) return
    this.#open.delete(key)
    place.idle = createDeferred()
    if (place.users > 0) await place.idle.promise
    await this.#release(place)
  }

  /** Forgets the sessions of a backend whose device is gone; nothing of them is left. */
  drop(backend: Backend): void {
    for (const [key, place] of this.#open) if (place.backend === backend) this.#open.delete(key)
    for (const place of this.#held) {
      if (place.backend !== backend) continue
      this.#held.delete(place)
      void place.sessions.release(new EdgewardError('GPU_LOST', 'The device is lost.')).catch(() => undefined) // On a lost device it may fail; nothing of it is left anyway.
    }
  }

  /** Frees everything, whoever works with it. What could not be released still counts. */
  async close(): Promise<void> {
    this.#open.clear()
    await Promise.allSettled([...this.#held].map((place) => this.#release(place)))
  }

  async #release(place: Place): Promise<void> {
    if (!this.#held.has(place)) return
    await place.sessions.release()
    this.#held.delete(place)
  }
}
