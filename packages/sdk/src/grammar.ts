/** The public door `edgeward/grammar`: answers that follow a JSON schema or a regular expression; 1 MB, loaded when asked for. */
export { createGrammars, type Grammars } from './generation/grammar/xgrammar.js'
