/** What merges requests of the lane `background`: loaded when the first one comes. */
import { Batcher, type RequestBatching } from '../runtime/index.js'
import { batchingOf } from '../tasks/page.js'

export function createBatching(): RequestBatching {
  return { batcher: new Batcher(), batchingOf }
}
