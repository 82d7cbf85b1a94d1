/** The page's end of the wire: calls the worker, and ends every call when the worker dies. */
import { proxy, transfer, wrap } from 'comlink'
import { EdgewardError, toEdgewardError } from '../errors/index.js'
import { createDeferred } from '../shared/index.js'
import { decodeError, encodeError } from './error-codec.js'
import type { Infer, MethodResult, Outcome, Payload, WireInfer, WireWorker, WorkerMethod } from './protocol.js'
import { decodeStream } from './stream-codec.js'
import { transferablesOf } from './transferables.js'

export interface CallOptions {
  readonly signal: AbortSignal
  /** Runs a graph for the worker's `process`. */
  readonly infer?: Infer
}

export type CloseListener = (reason: EdgewardError) => void

/** A live worker. */
export interface Connection {
  call<M extends WorkerMethod>(method: M, payload: Payload<M>, options: CallOptions): Promise<MethodResult<M>>
  /** Calls back once with the reason when the worker dies or is ended. Returns its undo. */
  onClosed(listener: CloseListener): () => void
  /** Ends the worker at once; what is pending rejects with `reason`. */
  terminate(reason: EdgewardError): void
}

/** How long a worker may take to start: its script comes over the network. */
export const workerStartMs = 30_000

/**
 * Waits until a fresh worker answers.
 *
 * @param giveUp - ends the worker while it starts; without effect on one that has started
 * @throws EdgewardError WORKER_UNAVAILABLE when its script cannot be loaded or does not answer in {@link workerStartMs};
 *   the reason of `giveUp`
 */
export async function connect(worker: Worker, giveUp: AbortSignal): Promise<Connection> {
  const wire = wrap<WireWorker>(worker)
  const watching = new AbortController()
  const listeners = new Set<CloseListener>()
  let closedBecause: EdgewardError | undefined
  let nextId = 1

  const end = (reason: EdgewardError) => {
    if (closedBecause !== undefined) return
    closedBecause = reason
    watching.abort()
    worker.terminate()
    for (const listener of listeners) listener(reason)
    listeners.clear()
  }

  const onClosed: Connection['onClosed'] = (listener) => {
    if (closedBecause === undefined) listeners.add(listener)
    else listener(closedBecause)
    return () => listeners.delete(listener)
  }

  const call: Connection['call'] = async (method, payload, { signal, infer }) => {
    signal.throwIfAborted()
    const id = nextId++
    const answer = createDeferred<Outcome>()
    const onAbort = () => {
      answer.reject(signal.reason)
      void wire.cancel(id, encodeError(signal.reason))
    }
    signal.addEventListener('abort', onAbort, { once: true })
    // Comlink's own promise never settles once the worker is dead, hence the detour through `answer`.
    const stopWatching = onClosed(answer.reject)
    try {
      const wireInfer = infer && proxy(encodeInfer(infer))
      if (closedBecause === undefined) {
        const settle = (outcome: Outcome) =>
          signal.aborted ? discard(outcome, signal.reason) : answer.resolve(outcome)
        wire.call(id, method, payload, wireInfer as WireInfer).then(settle, answer.reject)
      }
      return decode(await answer.promise, onClosed) as MethodResult<typeof method>
    } finally {
      stopWatching()
      signal.removeEventListener('abort', onAbort)
    }
  }

  const connection: Connection = { call, onClosed, terminate: end }
  const lockName = uniqueLockName()
  const isLockHeld = await started(worker, connection, giveUp, () => wire.hello(lockName))
  if (isLockHeld) void watchLife(lockName, watching.signal, () => end(died()))
  return connection
}

async function started<T>(
  worker: Worker,
  { terminate, onClosed }: Connection,
  giveUp: AbortSignal,
  hello: () => Promise<T>,
): Promise<T> {
  const answer = createDeferred<T>()
  const stopWatching = onClosed(answer.reject)
  const fail = (why: string) =>
    terminate(new EdgewardError('WORKER_UNAVAILABLE', `The worker could not be started: ${why}.`))
  const timer = setTimeout(() => fail(`no answer within ${workerStartMs} ms`), workerStartMs)
  const onError = (event: ErrorEvent) =>
    // A script that is missing or forbidden gives a bare event, without a message.
    fail(
      event.message || 'its script could not be loaded (missing file, or a Content-Security-Policy without worker-src)',
    )
  const onGiveUp = () => terminate(toEdgewardError(giveUp.reason, 'DISPOSED', 'The worker was given up'))
  worker.addEventListener('error', onError)
  giveUp.addEventListener('abort', onGiveUp)
  try {
    hello().then(answer.resolve, answer.reject)
    return await answer.promise
  } finally {
    clearTimeout(timer)
    stopWatching()
    worker.removeEventListener('error', onError)
    giveUp.removeEventListener('abort', onGiveUp)
  }
}

/** A worker's life is watched through a lock that nobody else can have. */
function uniqueLockName(): string {
  return `edgeward-worker-${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`
}

/** The worker holds a lock for life, so getting it means that the worker is gone. */
async function watchLife(name: string, signal: AbortSignal, onDeath: () => void): Promise<void> {
  const { held = [] } = await navigator.locks.query()
  // Once the site's data was cleared, the page and workers that start later have no locks in common.
  if (!held.some((lock) => lock.name === name)) return
  await navigator.locks.request(name, { signal }, onDeath).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
}

function died(): EdgewardError {
  return new EdgewardError('WORKER_DIED', 'The worker ended, and with it what it was working on.')
}

function encodeInfer(infer: Infer): WireInfer {
  return async (...parameters) => {
    try {
      const value = await infer(...parameters)
      return transfer({ ok: true, value }, transferablesOf(value))
    } catch (error) {
      return { ok: false, error: encodeError(error) }
    }
  }
}

function decode(outcome: Outcome, onClosed: Connection['onClosed']): unknown {
  if (!outcome.ok) throw decodeError(outcome.error)
  return 'stream' in outcome ? decodeStream(outcome.stream, onClosed) : outcome.value
}

/** The abort came too late to keep the worker from answering: the work behind a stream that nobody will read is ended. */
function discard(outcome: Outcome, reason: unknown): void {
  if (!outcome.ok || !('stream' in outcome)) return
  const never = () => () => undefined
  void decodeStream(outcome.stream, never).cancel(reason)
}
