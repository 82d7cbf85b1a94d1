/** The door of the generation room: how a language model's text is made; pure, for the worker and for the endpoint. */
export type { LanguageModel, Sequence } from './language-model.js'
