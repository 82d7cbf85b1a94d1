/** The worker's end of the wire: answers calls, cancels them, and sends errors as data. */
import { expose, releaseProxy, transfer, type Endpoint, type Remote } from 'comlink'
import { decodeError, encodeError } from './error-codec.js'
import type { Infer, MethodResult, Outcome, Payload, WireInfer, WireWorker, WorkerMethod } from './protocol.js'
import { encodeStream } from './stream-codec.js'
import { transferablesOf } from './transferables.js'

/** What a call comes with beside its payload. */
export interface CallContext {
  readonly signal: AbortSignal
  /** Runs a graph where the caller says. */
  readonly infer: Infer
}

export type WorkerHandlers = {
  [M in WorkerMethod]: (payload: Payload<M>, context: CallContext) => Promise<MethodResult<M>>
}

type AnyHandler = (payload: unknown, context: CallContext) => Promise<unknown>

/**
 * Answers calls from the page until the worker ends.
 *
 * @param endpoint - where they come from; absent: the worker's own scope
 */
export function serve(handlers: WorkerHandlers, endpoint?: Endpoint): void {
  const running = new Map<number, AbortController>()

  const wire: WireWorker = {
    hello: announceLife,
    async call(id, method, payload, wireInfer) {
      const controller = new AbortController()
      running.set(id, controller)
      try {
        // The method names are checked by the compiler on both sides; the table's value types differ by method.
        const handler = handlers[method] as AnyHandler
        return succeed(await handler(payload, { signal: controller.signal, infer: decodeInfer(wireInfer) }))
      } catch (error) {
        return { ok: false, error: encodeError(error) }
      } finally {
        running.delete(id)
        ;(wireInfer as Remote<WireInfer> | undefined)?.[releaseProxy]()
      }
    },
    cancel(id, reason) {
      running.get(id)?.abort(decodeError(reason))
    },
  }

  expose(wire, endpoint)
}

function succeed(value: unknown): Outcome {
  if (value instanceof ReadableStream) {
    const stream = encodeStream(value, transferablesOf)
    return transfer({ ok: true, stream }, [stream])
  }
  return transfer({ ok: true, value }, transferablesOf(value))
}

function decodeInfer(wireInfer: WireInfer | undefined): Infer {
  return async (...parameters) => {
    const outcome = await wireInfer?.(...parameters)
    if (outcome === undefined) throw new TypeError('this call came without an infer function')
    if (!outcome.ok) throw decodeError(outcome.error)
    // The page's `infer` gives tensors, and nothing else is sent through it.
    return ('value' in outcome ? outcome.value : {}) as Awaited<ReturnType<Infer>>
  }
}

/**
 * Holds a lock for as long as the worker lives: the page is told when it is gone, however it died. Resolves with whether
 * the lock is held; an opaque origin, for example, has no locks.
 */
function announceLife(lockName: string): Promise<boolean> {
  if (!('locks' in navigator)) return Promise.resolve(false)
  return new Promise((resolve) => {
    const forLife = () => {
      resolve(true)
      return new Promise<never>(() => undefined)
    }
    navigator.locks.request(lockName, forLife).catch(() => resolve(false))
  })
}
