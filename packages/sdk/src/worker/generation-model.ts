/** Opens a language model: reads its graph and its tokenizer, whatever files they come in, and makes a generator of its session. */
import type { Backend, Graph, LanguageModelConfig, VariantDtype } from '../contract/index.js'
import { EdgewardError, messageOf } from '../errors/index.js'
import {
  ggufTokenizer,
  languageModelConfig,
  readGguf,
  textFormat,
  type GgufFile,
  type GgufTokenizer,
} from '../formats/index.js'
import { createConstraints, createTextGenerator } from '../generation/index.js'
import { GenerationStreams } from './generation-streams.js'
import { loadGrammar } from './grammar-file.js'
import { readGgufGraph } from './gguf-graph.js'
import { sessionInput, type GraphFiles, type ReadGraph } from './graph-files.js'
import { hasOperator } from './kv-graph.js'
import type { OpenGraph } from './open-sessions.js'
import { createOrtLanguageModel, type OrtLanguageModel } from './ort-language-model.js'
import { StreamLanes } from './stream-lanes.js'
import type { WorkerModel } from './worker-model.js'

interface Place {
  readonly backend: Backend
  readonly variant: VariantDtype
}

export function openLanguageModel(model: WorkerModel, place: Place): OpeningLanguageModel {
  return new OpeningLanguageModel(model, place)
}

/** A language model on its way to be opened. */
export class OpeningLanguageModel {
  readonly #model: WorkerModel
  readonly #place: Place
  #gguf: GgufFile | undefined
  #hasGroupQueryAttention = false

  constructor(model: WorkerModel, place: Place) {
    this.#model = model
    this.#place = place
  }

  /** What the session is created from. @throws EdgewardError MODEL_UNSUPPORTED, MANIFEST_INVALID */
  async read(graph: Graph, files: GraphFiles, keepsAll: boolean): Promise<ReadGraph> {
    const { file } = files
    if (!graph.file.path.endsWith('.gguf')) {
      const input = sessionInput(graph, files, keepsAll)
      this.#hasGroupQueryAttention = hasOperator(input.model, 'GroupQueryAttention')
      return withCacheOnGpu({ graph, input })
    }
    // A copy: the library that reads it may keep what it was given, whose chunk is let go.
    this.#gguf = await readGguf(async (start, end) => file.subarray(start, end).slice(), file.byteLength)
    const { contextLength } = this.#config
    return withCacheOnGpu(readGgufGraph(graph, this.#gguf, file, this.#place, contextLength))
  }

  /**
   * Makes the generator, when the session is there.
   *
   * @throws EdgewardError CANARY_FAILED when it computes what cannot be; MODEL_UNSUPPORTED, MANIFEST_INVALID, and what runs throw
   */
  async start({ graph, session }: OpenGraph, signal: AbortSignal): Promise<GenerationStreams> {
    const { tokenizer, config: tokenizerConfig } = await this.#tokenizer(signal)
    const { backend } = this.#place
    const lanes = new StreamLanes(this.#model.manifest)
    const { inputs, outputs } = graph
    const turnOf = (of: AbortSignal) => lanes.turnOf(of)
    const hasGroupQueryAttention = this.#hasGroupQueryAttention
    const config = withFormat(this.#config, tokenizerConfig)
    const of = { config, inputs, outputs, hasGroupQueryAttention }
    const model = await createOrtLanguageModel({ ...of, session, backend, turnOf })
    try {
      await checkLogits(model, signal)
      const constraints = createConstraints(model.config, tokenizer, loadGrammar)
      const { constrain } = constraints
      const onSignal = (own: AbortSignal, given: AbortSignal) => lanes.follow(own, given)
      const generator = createTextGenerator({ model, tokenizer, tokenizerConfig, constrain, onSignal })
      return new GenerationStreams(generator, [constraints, model], lanes)
    } catch (error) {
      await model.dispose()
      throw error
    }
  }

  /** What the manifest says goes before what the file says: a packer may know better. */
  get #config(): LanguageModelConfig {
    const { id, config } = this.#model.manifest
    const known = { ...(this.#gguf && languageModelConfig(this.#gguf)), ...config }
    const numbers = ['vocabularySize', 'contextLength', 'layers', 'kvHeads', 'headSize']
    const missing = numbers.find((name) => !Number.isSafeInteger(known[name as keyof typeof known]))
    if (missing === undefined && Array.isArray(known.eosTokenIds)) return known as LanguageModelConfig
    const message = `The config of ${id} has no ${missing ?? 'eosTokenIds'}, which text-generation cannot do without.`
    throw new EdgewardError('MANIFEST_INVALID', message, { details: { model: id } })
  }

  async #tokenizer(signal: AbortSignal): Promise<GgufTokenizer> {
    const { assets } = this.#model.manifest
    const text = async (role: string) => new TextDecoder().decode(await this.#model.asset(role, signal))
    const json = async (role: string) => parseJson(await text(role), `${this.#model.manifest.id}: its ${role}`)
    if (!assets['tokenizer']) return ggufTokenizer(this.#gguf?.metadata ?? {})
    const config = assets['tokenizerConfig'] ? await json('tokenizerConfig') : {}
    const template = assets['chatTemplate'] && { chat_template: await text('chatTemplate') }
    return { tokenizer: await json('tokenizer'), config: { ...config, ...template } }
  }
}

/** Repositories of ONNX files say nothing of the format of texts, but their chat templates do. */
function withFormat(config: LanguageModelConfig, tokenizerConfig: object): LanguageModelConfig {
  const format = config.format ?? textFormat(tokenizerConfig)
  return { ...config, ...(format && { format }) }
}

/** Keys and values that come out of one step go into the next one: on WebGPU they stay there. */
function withCacheOnGpu(read: ReadGraph): ReadGraph {
  const keptOnGpu = read.graph.outputs.map(({ name }) => name).filter((name) => name.startsWith('present'))
  return { ...read, keptOnGpu }
}

/** Without a canary: logits of any token are numbers, finite, and not all the same. */
async function checkLogits(model: OrtLanguageModel, signal: AbortSignal): Promise<void> {
  const { eosTokenIds, bosTokenId = eosTokenIds[0] ?? 0 } = model.config
  const sequence = model.createSequence()
  try {
    const logits = await sequence.append([bosTokenId], 1, signal)
    const [first = 0] = logits
    const isBelievable = logits.every((logit) => Number.isFinite(logit)) && logits.some((logit) => logit !== first)
    if (!isBelievable)
      throw new EdgewardError('CANARY_FAILED', 'The logits of a first token are not finite, or all the same.')
  } finally {
    sequence.dispose()
  }
}

function parseJson(text: string, what: string): object {
  try {
    const json: unknown = JSON.parse(text)
    if (typeof json === 'object' && json !== null) return json
    throw new SyntaxError('no object')
  } catch (cause) {
    throw new EdgewardError('MANIFEST_INVALID', `${what} is not the JSON that belongs there: ${messageOf(cause)}`, {
      cause,
    })
  }
}
