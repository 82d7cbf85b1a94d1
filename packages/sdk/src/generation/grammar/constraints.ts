/** The constraints of one model's requests; the engine that keeps to them is loaded with the first one. */
import type { LanguageModelConfig } from '../../contract/index.js'
import type { ConstraintFactory } from '../constraint.js'
import { grammarOf } from './request-grammar.js'
import type { createGrammars, Grammars } from './xgrammar.js'

/** What `edgeward/grammar` exports. */
export interface GrammarEngine {
  readonly createGrammars: typeof createGrammars
}

export interface Constraints {
  readonly constrain: ConstraintFactory
  dispose(): void
}

/**
 * @param tokenizer - tokenizer.json, parsed
 * @param load - fetches the engine; asked again after it failed
 */
export function createConstraints(
  config: LanguageModelConfig,
  tokenizer: object,
  load: () => Promise<GrammarEngine>,
): Constraints {
  let loading: Promise<Grammars> | undefined
  const grammars = () => {
    loading ??= load().then((engine) => engine.createGrammars(config, tokenizer))
    loading.catch(() => (loading = undefined))
    return loading
  }
  return {
    async constrain({ input, options }, own) {
      const grammar = grammarOf(input, options, config.format ?? {})
      return grammar && (await grammars()).constraintOf(grammar, own)
    },
    dispose() {
      loading?.then(
        (loaded) => loaded.dispose(),
        () => undefined, // Nothing was loaded.
      )
    },
  }
}
