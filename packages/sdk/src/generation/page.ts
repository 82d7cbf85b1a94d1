/** The page's door of the generation room: reading what engines wrote; it must stay small. */
export { generationDefaults } from './defaults.js'
export { MarkupReader } from './markup/markup-reader.js'
export type { Piece } from './markup/pieces.js'
