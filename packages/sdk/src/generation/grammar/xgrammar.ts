/** Keeps answers to a grammar, with the engine xgrammar, which masks the tokens that may not come next. */
import { GrammarCompiler, GrammarMatcher, TokenizerInfo, type CompiledGrammar } from '@mlc-ai/web-xgrammar'
import type { LanguageModelConfig } from '../../contract/index.js'
import { EdgewardError, isEdgewardError, messageOf } from '../../errors/index.js'
import type { Constraint } from '../constraint.js'
import type { TextTokenizer } from '../text-tokenizer.js'
import type { RequestGrammar } from './request-grammar.js'
import { objectGrammar, schemaGrammar } from './schema-grammar.js'

/** What a model's grammars share: its vocabulary as the engine reads it, and the grammars that were compiled. */
interface Vocabulary {
  readonly info: TokenizerInfo
  readonly compiler: GrammarCompiler
}

/** The grammars of one model, and what they share. */
export interface Grammars {
  /** @throws EdgewardError INVALID_OPTION when the engine cannot make it */
  constraintOf(grammar: RequestGrammar, tokenizer: TextTokenizer): Promise<Constraint>
  dispose(): void
}

/** @param tokenizer - tokenizer.json, parsed */
export function createGrammars(config: LanguageModelConfig, tokenizer: object): Grammars {
  let sharing: Promise<Vocabulary> | undefined
  const share = (own: TextTokenizer) => (sharing ??= readVocabulary(config, tokenizer, own))
  return {
    constraintOf: async (grammar, own) => createConstraint(await share(own), grammar, config),
    dispose() {
      const disposing = sharing?.then(({ info, compiler }) => {
        compiler.dispose()
        info.dispose()
      })
      disposing?.catch(() => undefined) // A vocabulary that could not be read holds nothing.
    },
  }
}

async function readVocabulary(
  { vocabularySize, eosTokenIds }: LanguageModelConfig,
  json: object,
  tokenizer: TextTokenizer,
): Promise<Vocabulary> {
  const tokens = Array.from({ length: vocabularySize }, (_, id) => tokenizer.tokenOf(id) ?? '')
  const stops = [...eosTokenIds]
  const type = vocabularyType(json)
  const info = await TokenizerInfo.createTokenizerInfo(tokens, type, false, vocabularySize, stops)
  // Without its cache: what it refuses once, it would wait for without end when asked for the same again.
  return { info, compiler: await GrammarCompiler.createGrammarCompiler(info, false) }
}

/** How the vocabulary spells bytes. */
function vocabularyType(json: object): 'byte_level' | 'byte_fallback' {
  const { model } = json as { readonly model?: { readonly byte_fallback?: boolean } }
  return model?.byte_fallback === true ? 'byte_fallback' : 'byte_level'
}

async function createConstraint(
  { compiler }: Vocabulary,
  grammar: RequestGrammar,
  { vocabularySize, eosTokenIds }: LanguageModelConfig,
): Promise<Constraint> {
  const compiled = await compile(compiler, grammar)
  const matcher = await GrammarMatcher.createGrammarMatcher(compiled, [...eosTokenIds])
  return {
    async mask(logits) {
      maskLogits(logits, await matcher.getNextTokenBitmask(), vocabularySize)
    },
    accept(id) {
      if (matcher.isTerminated() || matcher.acceptToken(id)) return
      throw new EdgewardError('OUTPUT_INVALID', `The token ${id} does not follow the request's responseFormat.`)
    },
    get isComplete() {
      return matcher.isTerminated()
    },
    dispose() {
      matcher.dispose()
      compiled.dispose()
    },
  }
}

async function compile(compiler: GrammarCompiler, grammar: RequestGrammar): Promise<CompiledGrammar> {
  try {
    if (grammar.type === 'json') return await compiler.compileGrammar(objectGrammar)
    if (grammar.type === 'schema') return await compiler.compileGrammar(schemaGrammar(grammar.schema))
    return await compiler.compileStructuralTag({ type: 'structural_tag', format: tagOf(grammar) })
  } catch (cause) {
    if (isEdgewardError(cause)) throw cause
    const message = `The request's responseFormat or tools cannot be made into a grammar: ${messageOf(cause)}`
    throw new EdgewardError('INVALID_OPTION', message, { details: { option: 'responseFormat' }, cause })
  }
}

/** In the words of the engine: https://xgrammar.mlc.ai/docs/tutorials/structural_tag.html */
function tagOf(grammar: Extract<RequestGrammar, { type: 'regex' | 'calls' }>): object {
  if (grammar.type === 'regex') return grammar
  const tags = grammar.calls.map(({ begin, schema, end }) => {
    return { type: 'tag', begin, content: { type: 'grammar', grammar: schemaGrammar(schema) }, end }
  })
  if (grammar.mustCall) return { type: 'tags_with_separator', tags, separator: '\n', at_least_one: true }
  return { type: 'triggered_tags', triggers: ['<tool_call>'], tags }
}

/** One bit a token, from the lowest of each word on; 0: it may not come next. */
function maskLogits(logits: Float32Array, words: Int32Array, vocabularySize: number): void {
  for (let id = 0; id < vocabularySize; id += 1) {
    if ((((words[id >> 5] ?? 0) >> (id & 31)) & 1) === 0) logits[id] = -Infinity
  }
}
