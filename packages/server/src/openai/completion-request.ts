/** What POST /v1/completions takes. */
import type { GenerationRequest } from 'edgeward/generation'
import * as v from 'valibot'
import { checkFormat } from './answer-format.js'
import { generationOptions, mostLogprobs, seedOf, sharedFields, tokensSchema, wholeSchema } from './fields.js'
import { readBody, wrongField } from './read-body.js'

/** OpenAI's default, which other servers have too. */
const defaultMaxTokens = 16

/** How many answers to all prompts together. */
const mostAnswers = 64

const schema = v.object({
  ...sharedFields,
  prompt: v.union(
    [v.string(), tokensSchema, v.array(v.string()), v.array(tokensSchema)],
    'a text, token ids, or a list of either',
  ),
  logprobs: v.nullish(wholeSchema(0, mostLogprobs)),
  echo: v.nullish(v.boolean()),
  suffix: v.nullish(v.string()),
  best_of: v.nullish(wholeSchema(1)),
  resume: v.nullish(v.object({ text: v.string(), token_ids: v.nullish(tokensSchema) })),
})

export type CompletionBody = v.InferOutput<typeof schema>

/** @throws {EdgewardError} `INVALID_INPUT` */
export function readCompletionBody(json: unknown): CompletionBody {
  const body = readBody(json, schema)
  if (body.echo)
    throw wrongField('echo', 'echo is true, which this endpoint cannot: put the prompt before the text yourself')
  if (body.suffix) throw wrongField('suffix', 'suffix is not for the models of this endpoint')
  if ((body.best_of ?? 1) > (body.n ?? 1)) throw wrongField('best_of', 'best_of should not be more than n')
  checkFormat(body)
  const prompts = promptsOf(body).length
  if (prompts === 0) throw wrongField('prompt', 'prompt is an empty list, should be at least one prompt')
  if (body.resume && prompts > 1) throw wrongField('resume', 'resume is for one prompt: send several requests')
  if (prompts * (body.n ?? 1) > mostAnswers) {
    throw wrongField('prompt', `prompt and n ask for more than ${mostAnswers} answers: send several requests`)
  }
  return body
}

/** `n` requests of the generator for each prompt, in OpenAI's order. */
export function completionRequests(body: CompletionBody): GenerationRequest[] {
  const seed = seedOf(body)
  return promptsOf(body).flatMap((prompt) =>
    Array.from({ length: body.n ?? 1 }, (_, answer) => ({
      input: { prompt },
      options: {
        maxTokens: body.max_tokens ?? defaultMaxTokens,
        ...generationOptions(body, answer, seed),
        ...(typeof body.logprobs === 'number' && { logprobs: true, topLogprobs: body.logprobs }),
      },
      ...resumeOf(body),
    })),
  )
}

/** What is written of the answer already: none of it comes again, nor counts as one of `max_tokens`. */
function resumeOf({ resume }: CompletionBody): Pick<GenerationRequest, 'resume'> {
  if (!resume) return {}
  const { text, token_ids: tokenIds } = resume
  return { resume: { text, usedTokens: 0, ...(tokenIds && { tokenIds }) } }
}

function promptsOf({ prompt }: CompletionBody): (string | number[])[] {
  if (typeof prompt === 'string') return [prompt]
  return isTokens(prompt) ? [prompt] : prompt
}

function isTokens(prompt: readonly (string | number | number[])[]): prompt is number[] {
  return typeof prompt[0] === 'number'
}
