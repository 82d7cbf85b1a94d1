/** The public door `edgeward/grammar`: answers that follow a JSON schema or a regular expression; 1 MB, loaded when asked for. */
export { createConstraints, type Constraints } from './generation/grammar/xgrammar.js'
