/** What exporters need of a client. */
import type { Listener } from '../../contract/index.js'

/** Tells of every request that has ended: a client. */
export interface RequestSource {
  /** Listens until the returned function is called. */
  on(name: 'request', listener: Listener<'request'>): () => void
}
