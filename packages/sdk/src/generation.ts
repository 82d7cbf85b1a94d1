/** The public door `edgeward/generation`: generating text with any runtime, as the worker and the reference endpoint do. */
export * from './generation/index.js'
