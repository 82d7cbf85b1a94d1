/** How a fresh worker takes over from one that still answers. */
import type { Clock } from './clock.js'
import type { LiveWorker } from './start-worker.js'
import { replaced, type WatchedConnection } from './watched-connection.js'

/** How long a worker that was replaced must have been asked nothing before it goes: nobody is on the way to it any more. */
const drainedMs = 100

/**
 * Makes ready in a fresh worker what the old one has ready. When it fails, or the old one dies or begins to load something
 * meanwhile, the fresh worker is ended.
 *
 * @param takeOver - has the fresh one answer from now on; false: the old one does not, or knows by now what it does not
 */
export async function makeSuccessor(
  old: LiveWorker,
  fresh: LiveWorker,
  takeOver: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  const giveUp = () => fresh.connection.terminate(replaced())
  signal.addEventListener('abort', giveUp)
  try {
    signal.throwIfAborted()
    await fresh.models.adopt(old.models, signal)
    signal.throwIfAborted()
    if (old.connection.isLoading || !takeOver()) throw replaced()
  } catch (error) {
    giveUp()
    throw error
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}

/** Resolves when nobody waits for an answer of a worker any more; its loads are of no use to anybody. */
export async function drained(connection: WatchedConnection, clock: Clock): Promise<void> {
  while (connection.unaskedMs < drainedMs) {
    await new Promise<void>((resolve) => void clock.after(drainedMs, resolve))
  }
}
