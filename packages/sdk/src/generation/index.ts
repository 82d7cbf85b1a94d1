/** The door of the generation room: how a language model's text is made; pure, for the worker and for the endpoint. */
export type { Constraint, ConstraintFactory } from './constraint.js'
export { generationDefaults } from './defaults.js'
export { createConstraints, type Constraints, type GrammarEngine } from './grammar/constraints.js'
export type { LanguageModel, Sequence } from './language-model.js'
export { createTextGenerator } from './text-generator.js'
export type { TextGenerator, TextGeneratorOptions } from './text-generator.js'
export type { TextTokenizer } from './text-tokenizer.js'
export type { GenerationRequest } from './write-answer.js'
