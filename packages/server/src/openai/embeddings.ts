/** POST /v1/embeddings: vectors of texts, as numbers or as base64 of little-endian float32. */
import * as v from 'valibot'
import type { EmbeddingModel } from '../models/embedding-model.js'
import { readBody, wrongField } from './read-body.js'

/** As with OpenAI. */
const mostTexts = 2048

const textSchema = v.pipe(v.string(), v.nonEmpty('a text that is not empty'))

const schema = v.object({
  model: v.string(),
  input: v.union(
    [
      textSchema,
      v.pipe(v.array(textSchema), v.minLength(1, 'at least one text'), v.maxLength(mostTexts, 'at most 2048 texts')),
    ],
    'a text that is not empty, or a list of up to 2048 of them',
  ),
  encoding_format: v.nullish(v.picklist(['float', 'base64'])),
  dimensions: v.nullish(v.number()),
})

export type EmbeddingBody = v.InferOutput<typeof schema>

/** @throws {EdgewardError} `INVALID_INPUT` */
export function readEmbeddingBody(json: unknown): EmbeddingBody {
  const body = readBody(json, schema)
  if (typeof body.dimensions === 'number') {
    throw wrongField('dimensions', 'dimensions cannot be chosen: the vectors are as long as the model makes them')
  }
  return body
}

/** @throws {EdgewardError} as {@link EmbeddingModel.embed} does */
export async function answerEmbeddings(body: EmbeddingBody, model: EmbeddingModel, signal: AbortSignal) {
  const texts = typeof body.input === 'string' ? [body.input] : body.input
  const { vectors, tokens } = await model.embed(texts, signal)
  return {
    object: 'list',
    data: vectors.map((vector, index) => {
      return { object: 'embedding', index, embedding: body.encoding_format === 'base64' ? base64(vector) : [...vector] }
    }),
    model: body.model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  }
}

function base64(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4)
  vector.forEach((value, index) => bytes.writeFloatLE(value, index * 4))
  return bytes.toString('base64')
}
