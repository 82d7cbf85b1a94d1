/** The fields that /v1/chat/completions and /v1/completions share, and the options that they mean. */
import type { GenerationOptions } from 'edgeward/generation'
import * as v from 'valibot'
import { formatFields, responseFormatOf } from './answer-format.js'

/** How many answers to one prompt: each takes its time. */
const mostAnswers = 16

/** OpenAI's limit of top_logprobs. */
export const mostLogprobs = 20

// Every check's message finishes the sentence "… should be …".
export const wholeSchema = (least: number, most = Number.MAX_SAFE_INTEGER) => {
  const right = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `from ${least} to ${most}`
  return v.pipe(v.number(), v.integer('a whole number'), v.minValue(least, right), v.maxValue(most, right))
}

const between = (least: number, most: number) =>
  v.pipe(v.number(), v.minValue(least, `from ${least} to ${most}`), v.maxValue(most, `from ${least} to ${most}`))

/** A list of token ids. */
export const tokensSchema = v.pipe(v.array(wholeSchema(0)), v.minLength(1, 'at least one token'))

/** JSON `null` means what leaving out means, as with OpenAI. Fields that are not here are ignored. */
export const sharedFields = {
  model: v.string(),
  temperature: v.nullish(between(0, 2)),
  top_p: v.nullish(between(0, 1)),
  top_k: v.nullish(wholeSchema(-1)),
  min_p: v.nullish(between(0, 1)),
  repetition_penalty: v.nullish(between(0.01, 10)),
  presence_penalty: v.nullish(between(-2, 2)),
  frequency_penalty: v.nullish(between(-2, 2)),
  logit_bias: v.nullish(v.record(v.pipe(v.string(), v.regex(/^\d+$/, 'a token id')), between(-100, 100))),
  seed: v.nullish(v.pipe(v.number(), v.safeInteger('a whole number'))),
  n: v.nullish(wholeSchema(1, mostAnswers)),
  stop: v.nullish(v.union([v.string(), v.array(v.string())], 'a text or a list of texts')),
  max_tokens: v.nullish(wholeSchema(1)),
  stream: v.nullish(v.boolean()),
  stream_options: v.nullish(v.object({ include_usage: v.nullish(v.boolean()) })),
  return_token_ids: v.nullish(v.boolean()),
  ...formatFields,
}

type SharedBody = v.InferOutput<v.ObjectSchema<typeof sharedFields, undefined>>

/** The options of the answer number `answer`: each has a seed of its own, so that they differ. */
export function generationOptions(body: SharedBody, answer: number, seed: number): GenerationOptions {
  const bias = body.logit_bias ?? undefined
  return withoutNull({
    temperature: body.temperature,
    topP: body.top_p,
    // vLLM's clients say -1 for all.
    topK: body.top_k === -1 ? 0 : body.top_k,
    minP: body.min_p,
    repetitionPenalty: body.repetition_penalty,
    presencePenalty: body.presence_penalty,
    frequencyPenalty: body.frequency_penalty,
    logitBias: bias,
    stop: body.stop,
    seed: seed + answer,
    responseFormat: responseFormatOf(body),
  })
}

/** The request's seed, or one of chance. */
export function seedOf({ seed }: SharedBody): number {
  return seed ?? Math.floor(Math.random() * 2 ** 31)
}

type WithoutNull<T> = { [K in keyof T]?: NonNullable<T[K]> }

export function withoutNull<T extends object>(value: T): WithoutNull<T> {
  // What is left has neither null nor undefined.
  return Object.fromEntries(
    Object.entries(value).filter(([, entry]) => entry !== null && entry !== undefined),
  ) as WithoutNull<T>
}
