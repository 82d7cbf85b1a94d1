/** Reads what a manifest's `config` says of a language model. */
import { EdgewardError } from 'edgeward'
import { countSchema, describeIssue, textSchema } from 'edgeward/manifest'
import type { LanguageModelConfig } from 'edgeward/generation'
import * as v from 'valibot'

const positiveSchema = v.pipe(countSchema, v.minValue(1, 'one or more'))

const tagsSchema = v.object({ open: textSchema, close: textSchema })

const schema = v.object({
  architecture: textSchema,
  vocabularySize: positiveSchema,
  contextLength: positiveSchema,
  layers: positiveSchema,
  kvHeads: positiveSchema,
  headSize: positiveSchema,
  eosTokenIds: v.array(countSchema),
  bosTokenId: v.exactOptional(countSchema),
  addsBos: v.exactOptional(v.boolean()),
  format: v.exactOptional(
    v.object({
      startsInReasoning: v.exactOptional(v.boolean()),
      reasoning: v.exactOptional(tagsSchema),
      tools: v.exactOptional(v.picklist(['hermes', 'llama3'])),
    }),
  ),
})

/** @throws {EdgewardError} `MANIFEST_INVALID` with the wrong field. */
export function readLanguageModelConfig(config: unknown, where: string): LanguageModelConfig {
  const parsed = v.safeParse(schema, config, { abortEarly: true })
  if (parsed.success) return parsed.output
  const { path, problem } = describeIssue(parsed.issues[0])
  throw new EdgewardError('MANIFEST_INVALID', `${where}: config.${path} ${problem}`)
}
