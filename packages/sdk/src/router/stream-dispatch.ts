/** Writes one answer of text, at one placement after the other where it must: the stream outlives whoever writes it. */
import type { Plan, StreamRequest } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import type { RoutedEvent, StreamContext } from './stream-context.js'

/**
 * Nothing is asked of an engine that nobody reads; cancelling the stream ends whoever writes.
 *
 * It errors as `dispatch` rejects.
 */
export function dispatchStream(
  _plan: Plan,
  _request: StreamRequest,
  _context: StreamContext,
): ReadableStream<RoutedEvent> {
  throw new EdgewardError('INTERNAL', 'Streams are not there yet.')
}
