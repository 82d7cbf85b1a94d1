/** A language model over an ONNX Runtime session: sequences whose KV caches stay where the backend is, each step one turn. */
import type { Backend, LanguageModelConfig, TensorSpec } from '../contract/index.js'
import type { LanguageModel, Sequence } from '../generation/index.js'
import { neverAborted } from '../shared/index.js'
import type { KvCaches, KvWay } from './kv-cache.js'
import { chooseCaches } from './kv-choice.js'
import { readKvGraph, type KvGraph } from './kv-graph.js'
import type { Turn } from './lane-queue.js'
import type { GraphSession } from './ort-session.js'
import { OrtSequence } from './ort-sequence.js'

export interface OrtLanguageModelOptions {
  readonly config: LanguageModelConfig
  /** Of the graph: `input_ids`, `past_key_values.N.key` and so on. Only what it has is fed. */
  readonly inputs: readonly TensorSpec[]
  /** `logits` and `present.N.key` and so on. */
  readonly outputs: readonly TensorSpec[]
  /** On the `webgpu` backend, created with the `present.*` outputs as its `keptOnGpu`. Its owner releases it, after the model. */
  readonly session: GraphSession
  readonly backend: Backend
  /** Whether its attention is GroupQueryAttention, which can write its cache in place. */
  readonly hasGroupQueryAttention?: boolean
  /** Each step waits for its turn: in which lane, and of which model. The signal is the one that `append` got. */
  turnOf(signal: AbortSignal): Turn
}

export interface OrtLanguageModel extends LanguageModel {
  /** Where the caches are, and why not in the heap. */
  readonly kv: KvWay
  /** What is not freed yet. */
  readonly live: { readonly sequences: number; readonly caches: number; readonly bytes: number }
  /** Frees all sequences and what the model holds of the session. */
  dispose(): Promise<void>
}

/**
 * Makes a language model of a session, and finds out where its caches are kept best: that takes a few runs of single tokens.
 *
 * @throws EdgewardError MODEL_UNSUPPORTED when the graph takes or gives something else; and what runs throw
 */
export async function createOrtLanguageModel(options: OrtLanguageModelOptions): Promise<OrtLanguageModel> {
  const { config, inputs, outputs, hasGroupQueryAttention } = options
  const graph = readKvGraph(config, inputs, outputs, hasGroupQueryAttention)
  const count = { caches: 0 }
  const choice = await options.session.borrow(turnOf(options), (borrowed) => {
    return chooseCaches(graph, options.backend, borrowed, (by) => (count.caches += by))
  })
  return new SessionLanguageModel(options, graph, choice, count)
}

class SessionLanguageModel implements OrtLanguageModel {
  readonly config: LanguageModelConfig
  readonly kv: KvWay
  readonly #options: OrtLanguageModelOptions
  readonly #graph: KvGraph
  readonly #caches: KvCaches
  readonly #count: { readonly caches: number }
  readonly #sequences = new Set<OrtSequence>()
  readonly #releasing = new Set<Promise<void>>()

  constructor(
    options: OrtLanguageModelOptions,
    graph: KvGraph,
    { caches, kv }: { readonly caches: KvCaches; readonly kv: KvWay },
    count: { readonly caches: number },
  ) {
    this.config = options.config
    this.kv = kv
    this.#options = options
    this.#graph = graph
    this.#caches = caches
    this.#count = count
  }

  get live(): { sequences: number; caches: number; bytes: number } {
    const bytes = [...this.#sequences].reduce((sum, sequence) => sum + sequence.bytes, 0)
    return { sequences: this.#sequences.size, caches: this.#count.caches, bytes }
  }

  createSequence(): Sequence {
    const { session, turnOf } = this.#options
    const sequence = new OrtSequence({
      graph: this.#graph,
      caches: this.#caches,
      inTurn: (signal, work) => session.borrow(turnOf(signal), work),
      release: (work) => this.#release(work),
      onDispose: () => this.#sequences.delete(sequence),
    })
    this.#sequences.add(sequence)
    return sequence
  }

  async dispose(): Promise<void> {
    for (const sequence of this.#sequences) sequence.dispose()
    this.#release(() => this.#caches.release())
    await Promise.all(this.#releasing)
  }

  /** Caches are freed in a turn, since nothing may enter a runtime that is suspended in a run. */
  #release(work: () => void): void {
    const { session } = this.#options
    const releasing = session
      .borrow(turnOf(this.#options), async () => work())
      .catch(() => undefined) // A runtime that is not believed any more is thrown away, with all of its heap.
      .finally(() => this.#releasing.delete(releasing))
    this.#releasing.add(releasing)
  }
}

/** What makes room does not wait for the background. */
function turnOf({ turnOf }: OrtLanguageModelOptions): Turn {
  const { model } = turnOf(neverAborted())
  return { lane: 'default', model, signal: neverAborted() }
}
