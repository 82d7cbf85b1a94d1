/** Finds out, once for each model, how an endpoint goes on with answers that began elsewhere. */
import type { GenerationEvent, StreamRequest } from '../../contract/index.js'
import { isEdgewardError } from '../../errors/index.js'
import type { OpenAiServer } from '../options.js'
import type { ContinuationProbes } from './continuation.js'
import { extensionsOf } from './server.js'
import type { Way } from './way.js'

/** Asks the endpoint for an answer in a way. */
type Write = (request: StreamRequest, way: Way, signal: AbortSignal) => AsyncGenerator<GenerationEvent, void>

/** A word is cut in two: no new message begins with its end. */
const sentence = 'The quick brown fox jumps over the lazy dog.'
const sentenceStart = 'The quick brown fox ju'
const sentenceRest = /^mps?\b/
const probeTokens = 4

export class Probes {
  readonly #write: Write
  /** What was found, by the model's name there. */
  readonly #sameTokens = new Map<string, boolean>()
  readonly #continues = new Map<string, boolean>()

  constructor(write: Write) {
    this.#write = write
  }

  of(model: string, server: OpenAiServer, signal: AbortSignal): ContinuationProbes {
    return {
      hasSameTokens: async (request, promptIds) =>
        extensionsOf[server].tokenIds === true &&
        this.#once(this.#sameTokens, model, () => this.#hasSameTokens(request, promptIds, signal)),
      continuesMessages: (request) =>
        this.#once(this.#continues, model, () => this.#continuesMessages(request, signal)),
    }
  }

  /** What could not be found out, since nobody answered, is asked again another time. */
  async #once(found: Map<string, boolean>, model: string, find: () => Promise<boolean>): Promise<boolean> {
    const known = found.get(model)
    if (known !== undefined) return known
    const value = await find()
    found.set(model, value)
    return value
  }

  /** The prompt's ids, as the endpoint makes them; computing them makes it read the prompt, which it has then in its cache. */
  async #hasSameTokens(request: StreamRequest, promptIds: readonly number[], signal: AbortSignal): Promise<boolean> {
    const { model, task, input } = request
    const probe: StreamRequest = { model, task, input, options: { maxTokens: 1, temperature: 0, seed: 0 } }
    try {
      for await (const event of this.#write(probe, { by: 'chat' }, signal)) {
        if (event.type === 'start') return isSame(event.promptIds, promptIds)
      }
      return false
    } catch (error) {
      if (isRefusal(error)) return false
      throw error
    }
  }

  /**
   * Small models do not always end the sentence, so that what they write shows only sometimes that they go on. What shows it
   * too is that the server refuses a request that contradicts itself, as vLLM, llama.cpp and Edgeward's endpoint do.
   */
  async #continuesMessages({ model, task }: StreamRequest, signal: AbortSignal): Promise<boolean> {
    const probe: StreamRequest = {
      model,
      task,
      input: { messages: [{ role: 'user', content: `Repeat this sentence, and say nothing else: ${sentence}` }] },
      options: { maxTokens: probeTokens, temperature: 0, seed: 0 },
    }
    const knows = await this.#refusesContradiction(probe, signal)
    let text = ''
    try {
      for await (const event of this.#write(probe, { by: 'message', text: sentenceStart }, signal)) {
        if (event.type === 'reasoning') return false
        if (event.type === 'delta') text += event.text
      }
    } catch (error) {
      if (isRefusal(error)) return false
      throw error
    }
    return sentenceRest.test(text) || (knows && text !== '' && !isAnew(text))
  }

  async #refusesContradiction(probe: StreamRequest, signal: AbortSignal): Promise<boolean> {
    const way = { by: 'message', text: sentenceStart, contradictsItself: true } as const
    try {
      // The first event is enough: it has not been refused.
      for await (const _ of this.#write(probe, way, signal)) return false
      return false
    } catch (error) {
      if (!isRefusal(error)) throw error
      return isEdgewardError(error) && error.message.includes('continue_final_message')
    }
  }
}

/** Whether what was sent comes again, whole or from its beginning. */
function isAnew(text: string): boolean {
  const start = text.trimStart()
  return start.startsWith(sentenceStart) || sentenceStart.startsWith(start)
}

function isSame(some: readonly number[] | undefined, others: readonly number[]): boolean {
  return some?.length === others.length && some.every((id, index) => id === others[index])
}

/** Whether the endpoint has answered, and said no. */
function isRefusal(error: unknown): boolean {
  return (
    isEdgewardError(error) &&
    (error.code === 'REMOTE_REJECTED' || error.code === 'REMOTE_MALFORMED' || error.code === 'REMOTE_FAILED')
  )
}
