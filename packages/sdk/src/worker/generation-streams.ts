/** The streams of one opened language model: each is written as it is read, and all of them end when the model goes. */
import type { GenerationEvent } from '../contract/index.js'
import { EdgewardError, isEdgewardError } from '../errors/index.js'
import type { TextGenerator } from '../generation/index.js'
import { createDeferred } from '../shared/index.js'
import type { GeneratePayload } from '../transport/index.js'
import type { StreamLanes } from './stream-lanes.js'
import { fromThrown } from './thrown.js'

export interface OpenStream {
  /** Nothing of it is generated before it is asked for. */
  readonly stream: ReadableStream<GenerationEvent>
  /** Settles when nothing is generated any more; rejects with what the stream failed with. */
  readonly ended: Promise<void>
}

/**
 * A stream that nobody reads for so long gives back what it holds: a model has few KV caches, for which others wait. Who reads on
 * then has the answer gone on with, by the router, as after the end of a worker.
 */
const mostUnreadMs = 60_000

interface Owned {
  dispose(): void | Promise<void>
}

export class GenerationStreams {
  readonly #generator: TextGenerator
  readonly #owned: readonly Owned[]
  readonly #lanes: StreamLanes
  readonly #live = new Set<AbortController>()

  /** @param owned - what is freed with the streams, in this order */
  constructor(generator: TextGenerator, owned: readonly Owned[], lanes: StreamLanes) {
    this.#generator = generator
    this.#owned = owned
    this.#lanes = lanes
  }

  open({ lane, input, options, resume }: GeneratePayload): OpenStream {
    const life = new AbortController()
    const { signal } = life
    this.#live.add(life)
    this.#lanes.set(signal, lane)
    const events = this.#generator.generate({ input, options, ...(resume && { resume }) }, signal)
    const over = createDeferred<undefined>()
    let unread: ReturnType<typeof setTimeout> | undefined
    const ended = over.promise.finally(() => {
      clearTimeout(unread)
      this.#live.delete(life)
    })
    const stream = new ReadableStream<GenerationEvent>(
      {
        start(controller) {
          // Also a stream that nobody reads just now hears of the end.
          signal.addEventListener('abort', () => {
            controller.error(signal.reason)
            void events.return().then(() => over.resolve(undefined), over.reject)
          })
        },
        async pull(controller) {
          clearTimeout(unread)
          try {
            const { done, value } = await events.next()
            if (!done) {
              controller.enqueue(value)
              unread = setTimeout(() => life.abort(notRead()), mostUnreadMs)
              return
            }
            over.resolve(undefined)
            controller.close()
          } catch (error) {
            const failure: unknown = signal.aborted ? signal.reason : explain(error)
            over.reject(failure)
            throw failure
          }
        },
        cancel: async (reason) => {
          life.abort(reason)
          await ended.catch(() => undefined) // Whoever cancels does not want to hear of it.
        },
      },
      // A token that nobody reads is not generated.
      { highWaterMark: 0 },
    )
    return { stream, ended: ended.then(() => undefined) }
  }

  /** Ends all streams, and frees what the model holds. */
  async dispose(why = new EdgewardError('DISPOSED', 'The model was unloaded while it wrote.')): Promise<void> {
    for (const life of this.#live) life.abort(why)
    this.#generator.dispose()
    for (const one of this.#owned) await one.dispose()
  }
}

function notRead(): EdgewardError {
  const message = `The answer was not read for ${mostUnreadMs / 1000} s, and its place was given to others.`
  return new EdgewardError('WORKER_DIED', message, { details: { replaced: true } })
}

/** What is thrown by no one's intention: by the decode loop, a template, a tokenizer. */
function explain(error: unknown): unknown {
  return isEdgewardError(error) ? error : fromThrown(error, 'INTERNAL', 'The generation failed')
}
