/** The router's second door: streams. It is loaded when the first text is generated. */
export { dispatchStream } from './stream-dispatch.js'
export type { RoutedEvent, StreamContext, StreamMove } from './stream-context.js'
export { streamUnits, unitsOfStream } from './stream-units.js'
