/** The thread that holds a language model and writes answers, a step of each stream in turn. */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import { isEdgewardError, type EdgewardError } from 'edgeward'
import type { GenerationEvent, GenerationRequest } from 'edgeward/generation'
import type { GenerationCommand, GenerationReply, LanguageModelSource } from './generation-messages.js'
import { messageOf } from './message-of.js'
import { openTextGenerator, type OpenTextGenerator } from './open-text-generator.js'

if (parentPort) await serveGeneration(parentPort, workerData as LanguageModelSource)

interface Stream {
  readonly events: AsyncGenerator<GenerationEvent>
  readonly abort: AbortController
}

async function serveGeneration(port: MessagePort, source: LanguageModelSource): Promise<void> {
  const reply = (message: GenerationReply) => port.postMessage(message)
  let model: OpenTextGenerator
  try {
    model = await openTextGenerator(source, () => reply({ kind: 'alive' }))
  } catch (thrown) {
    reply({ kind: 'failed', message: messageOf(thrown) })
    return
  }
  const streams = new Map<number, Stream>()
  port.on('message', (command: GenerationCommand) => {
    switch (command.kind) {
      case 'start':
        streams.set(command.stream, startStream(model, command.request))
        return
      case 'next':
        return void tellNext(command.stream, streams, reply)
      case 'stop':
        stop(command.stream, streams)
        return
      case 'close':
        for (const stream of streams.keys()) stop(stream, streams)
        return void model.release().finally(() => port.close())
    }
  })
  reply({ kind: 'ready' })
}

function startStream({ generator }: OpenTextGenerator, request: GenerationRequest): Stream {
  const abort = new AbortController()
  return { abort, events: generator.generate(request, abort.signal) }
}

async function tellNext(
  stream: number,
  streams: ReadonlyMap<number, Stream>,
  reply: (message: GenerationReply) => void,
): Promise<void> {
  try {
    const next = await streams.get(stream)?.events.next()
    // A `start` is behind every other message of its stream, and what was stopped is listened to by nobody.
    if (next === undefined || next.done === true) reply({ kind: 'end', stream })
    else reply({ kind: 'event', stream, event: next.value })
  } catch (thrown) {
    if (isEdgewardError(thrown)) reply({ kind: 'error', stream, ...failureOf(thrown) })
    else reply({ kind: 'error', stream, code: 'RUN_FAILED', message: messageOf(thrown), details: {} })
  }
}

function failureOf({ code, message, details }: EdgewardError): Pick<EdgewardError, 'code' | 'message' | 'details'> {
  return { code, message, details }
}

/** What a run is under way for hears of it after that run. */
function stop(stream: number, streams: Map<number, Stream>): void {
  const found = streams.get(stream)
  streams.delete(stream)
  found?.abort.abort()
  void found?.events.return(undefined).catch((thrown: unknown) => {
    if (isEdgewardError(thrown)) return
    // The abort that stopped it; whatever else went wrong, nobody waits for this stream.
  })
}
