/** What `generate` returns: the parts of an answer as they come, and what they come to. */
import type { GenerationOutput, GenerationPart, Result } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import { createDeferred } from '../shared/index.js'
import type { Pipeline } from './client-surface.js'
import type { GenerateRequest } from './options.js'

/** Writes the answer part by part; returns what it came to. */
export type Generating = AsyncGenerator<GenerationPart, Result<GenerationOutput>>

/**
 * An answer that is written while it is read: `for await (const part of …)`. Who stops reading stops the generation. It is
 * read once: by a loop, or by waiting for `result` or `text` without one.
 */
export class GenerationStream implements AsyncIterable<GenerationPart> {
  readonly #start: (leaving: AbortSignal) => Promise<Generating>
  readonly #finished = createDeferred<Result<GenerationOutput>>()
  #isRead = false

  /** @param start - called when somebody reads, with a signal that aborts when nobody does any more */
  constructor(start: (leaving: AbortSignal) => Promise<Generating>) {
    this.#start = start
    this.#finished.promise.catch(() => undefined) // Whoever reads hears of it too.
  }

  /** The whole answer, with who wrote what. */
  get result(): Promise<Result<GenerationOutput>> {
    // A loop may begin right behind this.
    queueMicrotask(() => {
      if (!this.#isRead) void this.#drain()
    })
    return this.#finished.promise
  }

  /** The whole text. */
  get text(): Promise<string> {
    return this.result.then(({ output }) => output.text)
  }

  [Symbol.asyncIterator](): AsyncGenerator<GenerationPart, void> {
    if (this.#isRead) {
      throw new EdgewardError('INVALID_INPUT', 'This answer is read already: its parts come once.')
    }
    this.#isRead = true
    const leaving = new AbortController()
    const parts = this.#read(leaving.signal)
    return {
      next: () => parts.next(),
      // A generator by itself ends only once the part has come that it waits for.
      return: () => {
        this.#leave(leaving)
        return parts.return()
      },
      throw: (error) => {
        this.#leave(leaving)
        return parts.throw(error)
      },
      [Symbol.asyncIterator]() {
        return this
      },
    }
  }

  async #drain(): Promise<void> {
    try {
      const parts = this[Symbol.asyncIterator]()
      while (!(await parts.next()).done);
    } catch (error) {
      this.#finished.reject(error)
    }
  }

  /** Also before the first part was read. */
  #leave(leaving: AbortController): void {
    const left = new DOMException('The answer was not read to its end.', 'AbortError')
    this.#finished.reject(left)
    leaving.abort(left)
  }

  async *#read(leaving: AbortSignal): AsyncGenerator<GenerationPart, void> {
    let source: Generating | undefined
    try {
      source = await this.#start(leaving)
      let next = await source.next()
      for (; !next.done; next = await source.next()) yield next.value
      this.#finished.resolve(next.value)
    } catch (error) {
      if (leaving.aborted) return
      this.#finished.reject(error)
      throw error
    } finally {
      // Only where the reader has stopped is there anything to end.
      await source?.return(undefined as never).catch((error: unknown) => {
        if (!leaving.aborted) throw error
      })
    }
  }
}

/** @param count - told that there is one more in the making, or less */
export async function* counted(parts: Generating, count: (change: 1 | -1) => void): Generating {
  count(1)
  try {
    return yield* parts
  } finally {
    count(-1)
  }
}

/** The pipeline of text-generation: answers are waited for whole. */
export function textPipeline(generate: (request: GenerateRequest) => GenerationStream): Pipeline<'text-generation'> {
  return (input, options) => generate({ ...input, ...options }).result
}
