/** A language model on onnxruntime-node: its KV cache are tensors on the CPU, which one run hands to the next. */
import { EdgewardError } from 'edgeward'
import { float16Value } from 'edgeward/manifest'
import type { LanguageModel, LanguageModelConfig, Sequence } from 'edgeward/generation'
import { Tensor, type InferenceSession } from 'onnxruntime-node'
import { messageOf } from './message-of.js'

export interface NodeLanguageModelOptions {
  readonly config: LanguageModelConfig
  readonly session: InferenceSession
  /** Told after each run of the graph. */
  readonly onRun: () => void
}

/** @throws EdgewardError MODEL_UNSUPPORTED when the graph takes what no language model of ours has. */
export function createNodeLanguageModel(options: NodeLanguageModelOptions): LanguageModel {
  checkInputs(options.session)
  return { config: options.config, createSequence: () => new NodeSequence(options) }
}

const knownInputs = ['input_ids', 'attention_mask', 'position_ids', 'num_logits_to_keep']
const pastPrefix = 'past_key_values.'

function checkInputs({ inputNames }: InferenceSession): void {
  const unknown = inputNames.find((name) => !knownInputs.includes(name) && !name.startsWith(pastPrefix))
  if (unknown === undefined) return
  const right = `${knownInputs.join(', ')} and ${pastPrefix}*`
  throw new EdgewardError('MODEL_UNSUPPORTED', `the graph takes "${unknown}"; this endpoint feeds only ${right}`)
}

type Cache = ReadonlyMap<string, Tensor>

class NodeSequence implements Sequence {
  readonly #options: NodeLanguageModelOptions
  #past: Cache
  #length = 0

  constructor(options: NodeLanguageModelOptions) {
    this.#options = options
    this.#past = emptyCache(options)
  }

  get length(): number {
    return this.#length
  }

  async append(ids: readonly number[], keep: number, signal: AbortSignal): Promise<Float32Array> {
    signal.throwIfAborted()
    const { session, config, onRun } = this.#options
    const outputs = await session
      .run({ ...feeds(session, ids, this.#length, keep), ...Object.fromEntries(this.#past) })
      .catch((cause: unknown) => {
        throw new EdgewardError('RUN_FAILED', `the model failed: ${messageOf(cause)}`, { cause })
      })
    onRun()
    signal.throwIfAborted()
    this.#past = new Map(Array.from(this.#past.keys(), (name) => [name, outputNamed(outputs, presentOf(name))]))
    this.#length += ids.length
    return lastRows(outputNamed(outputs, 'logits'), keep, config.vocabularySize)
  }

  truncate(length: number): void {
    if (length >= this.#length) return
    this.#past = new Map(Array.from(this.#past, ([name, tensor]) => [name, firstTokens(tensor, length)]))
    this.#length = length
  }

  dispose(): void {
    this.#past = new Map()
    this.#length = 0
  }
}

function emptyCache({ session, config }: NodeLanguageModelOptions): Cache {
  const names = session.inputNames.filter((name) => name.startsWith(pastPrefix))
  const shape = [1, config.kvHeads, 0, config.headSize]
  return new Map(names.map((name) => [name, emptyTensor(session, name, shape)]))
}

function emptyTensor({ inputMetadata }: InferenceSession, name: string, shape: readonly number[]): Tensor {
  const metadata = inputMetadata.find((candidate) => candidate.name === name)
  const isHalf = metadata?.isTensor === true && metadata.type === 'float16'
  return isHalf ? new Tensor('float16', new Uint16Array(0), shape) : new Tensor('float32', new Float32Array(0), shape)
}

/** Everything but the cache. The batch is one sequence, without padding. */
function feeds({ inputNames }: InferenceSession, ids: readonly number[], past: number, keep: number) {
  const row = (length: number, valueAt: (index: number) => number) =>
    new Tensor(
      'int64',
      BigInt64Array.from({ length }, (_, index) => BigInt(valueAt(index))),
      [1, length],
    )
  const all: Readonly<Record<string, Tensor>> = {
    input_ids: row(ids.length, (index) => ids[index] ?? 0),
    attention_mask: row(past + ids.length, () => 1),
    position_ids: row(ids.length, (index) => past + index),
    num_logits_to_keep: new Tensor('int64', BigInt64Array.of(BigInt(keep)), []),
  }
  return Object.fromEntries(Object.entries(all).filter(([name]) => inputNames.includes(name)))
}

/** `past_key_values.3.key` becomes `present.3.key`. */
function presentOf(past: string): string {
  return `present.${past.slice(pastPrefix.length)}`
}

function outputNamed(outputs: InferenceSession.OnnxValueMapType, name: string): Tensor {
  const tensor = outputs[name]
  if (tensor instanceof Tensor) return tensor
  throw new EdgewardError('OUTPUT_INVALID', `the model gave no output "${name}"`)
}

/** [1, heads, tokens, size] with fewer tokens. */
function firstTokens(tensor: Tensor, tokens: number): Tensor {
  const [batch = 1, heads = 0, before = 0, size = 0] = tensor.dims
  const source = floatsOf(tensor)
  const target =
    source instanceof Float32Array ? new Float32Array(heads * tokens * size) : new Uint16Array(heads * tokens * size)
  for (let head = 0; head < heads; head += 1) {
    const start = head * before * size
    target.set(source.subarray(start, start + tokens * size), head * tokens * size)
  }
  const shape = [batch, heads, tokens, size]
  return target instanceof Float32Array ? new Tensor('float32', target, shape) : new Tensor('float16', target, shape)
}

/** A float16 tensor's data as its bits: a Node that has Float16Array gets that. */
function floatsOf({ type, data }: Tensor): Float32Array | Uint16Array {
  if (data instanceof Float32Array || data instanceof Uint16Array) return data
  if (type === 'float16' && ArrayBuffer.isView(data)) {
    return new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2)
  }
  throw new EdgewardError('OUTPUT_INVALID', `the model gave ${type}, should be float32 or float16`)
}

/** The graph gives `keep` rows, or, where it cannot be asked for that, all. */
function lastRows(logits: Tensor, keep: number, vocabularySize: number): Float32Array {
  const data = floatsOf(logits)
  const rows = data.subarray(data.length - keep * vocabularySize)
  return rows instanceof Float32Array ? rows : Float32Array.from(rows, float16Value)
}
