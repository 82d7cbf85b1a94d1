/** Vectors of texts from `POST /embeddings`. */
import type { EngineAnswer } from '../../contract/index.js'
import { EdgewardError } from '../../errors/index.js'
import { isSuccess } from '../answer-error.js'
import type { Endpoint } from '../endpoint.js'
import { Field } from '../oip/field.js'
import { refusal } from './answer-failures.js'

export interface EmbeddingRequest {
  /** The model's name at the endpoint. */
  readonly model: string
  readonly texts: readonly string[]
  /** When the answer is worth nothing any more, by `performance.now()`. */
  readonly deadlineAt?: number | undefined
}

/**
 * One vector for each text, in order. They are asked for in base64, which is a third of the bytes; servers that know only
 * numbers answer with those.
 *
 * @throws EdgewardError with one of the `REMOTE_…` codes, or `DEADLINE_EXCEEDED`; `signal.reason` when aborted
 */
export async function embed(
  endpoint: Endpoint,
  { model, texts, deadlineAt }: EmbeddingRequest,
  signal: AbortSignal,
): Promise<EngineAnswer<'feature-extraction'>> {
  if (texts.length === 0) return { output: [], timings: {} }
  const startedAt = performance.now()
  const answer = await endpoint.request(
    {
      method: 'POST',
      path: '/embeddings',
      body: JSON.stringify({ model, input: texts, encoding_format: 'base64' }),
      headers: { 'Content-Type': 'application/json' },
      ...(deadlineAt !== undefined && { deadlineAt }),
    },
    signal,
  )
  if (!isSuccess(answer)) throw refusal(answer)
  const output = readEmbeddings(answer.body, texts.length)
  return { output, timings: { inferenceMs: performance.now() - startedAt } }
}

function readEmbeddings(body: Uint8Array, count: number): readonly Float32Array[] {
  const data = new Field(parse(body), '', 'REMOTE_MALFORMED').get('data')
  const items = data.items()
  if (items.length !== count) throw data.error(`has ${items.length} items for ${count} texts`)
  const vectors = new Map(items.map((item, position) => [indexOf(item, position), vectorOf(item.get('embedding'))]))
  const size = vectors.get(0)?.length
  return items.map((_, index) => {
    const vector = vectors.get(index)
    if (vector === undefined) throw data.error(`has nothing for the text number ${index}`)
    if (vector.length !== size) throw data.error('has vectors of different lengths')
    return vector
  })
}

function indexOf(item: Field, position: number): number {
  const index = item.get('index')
  return index.isAbsent ? position : index.size()
}

function vectorOf(embedding: Field): Float32Array {
  const vector = typeof embedding.value === 'string' ? ofBase64(embedding) : ofNumbers(embedding)
  if (vector.length > 0 && vector.every(Number.isFinite)) return vector
  throw embedding.error('must be finite numbers')
}

/** Little-endian float32, as OpenAI has it. */
function ofBase64(embedding: Field): Float32Array {
  const bytes = bytesOf(embedding)
  if (bytes.length % 4 !== 0) throw embedding.error('must be base64 of float32')
  const view = new DataView(bytes.buffer)
  return Float32Array.from({ length: bytes.length / 4 }, (_, index) => view.getFloat32(index * 4, true))
}

function bytesOf(embedding: Field): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(embedding.string()), (character) => character.charCodeAt(0))
  } catch {
    throw embedding.error('must be base64 of float32')
  }
}

function ofNumbers(embedding: Field): Float32Array {
  const numbers = embedding.array()
  if (numbers.every((number) => typeof number === 'number')) return Float32Array.from(numbers)
  // llama-cpp-python has a vector for each token.
  throw embedding.error('must be one vector of numbers, or base64 of it')
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body))
  } catch (cause) {
    throw new EdgewardError('REMOTE_MALFORMED', 'the answer with the vectors is not JSON', { cause })
  }
}
