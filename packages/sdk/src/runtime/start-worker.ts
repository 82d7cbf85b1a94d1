/** Starts a worker and tells it what every worker of this page knows. */
import type { StorageOptions } from '../contract/index.js'
import { EdgewardError, toEdgewardError } from '../errors/index.js'
import { neverAborted } from '../shared/index.js'
import { connect, offerToken, type AddPayload, type HubToken, type Payload } from '../transport/index.js'
import { WatchedConnection, type WatchedConnectionOptions } from './watched-connection.js'
import { WorkerModels } from './worker-models.js'

/** Creates the worker. */
export type SpawnWorker = () => Worker

/** Where models of Hugging Face's hub come from. */
export interface HubAddress {
  readonly baseUrl: string | URL
  readonly token?: HubToken | undefined
}

/** A worker that answers, with what it knows. */
export interface LiveWorker {
  readonly connection: WatchedConnection
  readonly models: WorkerModels
}

export interface StartOptions {
  readonly spawn: SpawnWorker
  readonly storage?: StorageOptions | undefined
  readonly hub?: HubAddress | undefined
}

/**
 * @param given - the files of the user, by model
 * @param giveUp - ends the worker while it starts
 * @throws EdgewardError WORKER_UNAVAILABLE when it cannot be started; the reason of `giveUp`
 */
export async function startWorker(
  options: StartOptions,
  watching: WatchedConnectionOptions,
  given: Iterable<AddPayload>,
  giveUp: AbortSignal,
): Promise<LiveWorker> {
  const connection = new WatchedConnection(await connect(create(options.spawn), giveUp), watching)
  const onGiveUp = () => connection.terminate(toEdgewardError(giveUp.reason, 'DISPOSED', 'The worker was given up'))
  giveUp.addEventListener('abort', onGiveUp)
  try {
    giveUp.throwIfAborted()
    const signal = neverAborted()
    if (options.storage || options.hub) await connection.call('configure', configuration(options), { signal })
    for (const payload of given) {
      // A folder that is gone concerns its own model alone, which then asks to be added again.
      await connection.call('add', payload, { signal }).catch(() => undefined)
    }
    giveUp.throwIfAborted()
    return { connection, models: new WorkerModels(connection) }
  } finally {
    giveUp.removeEventListener('abort', onGiveUp)
  }
}

function configuration({ storage, hub }: StartOptions): Payload<'configure'> {
  if (!hub) return { ...storage }
  const { baseUrl, token } = hub
  const payload = {
    ...storage,
    huggingFace: { baseUrl: new URL(baseUrl, location.href).href.replace(/\/+$/, '') },
  }
  return token === undefined ? payload : offerToken(payload, token)
}

function create(spawn: SpawnWorker): Worker {
  try {
    return spawn()
  } catch (cause) {
    throw new EdgewardError('WORKER_UNAVAILABLE', 'This page may not start a worker.', { cause })
  }
}
