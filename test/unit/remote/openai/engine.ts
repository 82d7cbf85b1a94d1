/** Engines of endpoints that tests make up, and what they tell. */
import { readFileSync } from 'node:fs'
import type { GenerationEvent, StreamRequest } from '../../../../packages/sdk/src/contract/index.js'
import { createOpenAiEngine, type OpenAiRemoteOptions } from '../../../../packages/sdk/src/remote/index.js'
import type { RemoteEngine } from '../../../../packages/sdk/src/remote/remote-engine.js'
import { serve, type Handler, type ReceivedRequest } from '../http-server.js'
import { replay } from '../raw-http.js'

const fixtures = new URL('../../../fixtures/openai/', import.meta.url)

export const never = new AbortController().signal

export type Asked = Partial<Omit<StreamRequest, 'model' | 'task'>>

/** A chat that is as short as can be. */
export function chat(more: Asked = {}): StreamRequest {
  const input = { messages: [{ role: 'user', content: 'Say hi.' }] } as const
  return { model: 'smollm2', task: 'text-generation', input, options: { seed: 1 }, ...more }
}

/** The raw bytes of a recorded answer, such as `llamacpp/chat-stream`. */
export function recorded(name: string): Buffer {
  return readFileSync(new URL(`${name}.resp.http`, fixtures))
}

/** Of a server whose software is known, so that it is not asked for that. */
export function engineAt(url: string, options: Partial<OpenAiRemoteOptions> = {}): RemoteEngine {
  return createOpenAiEngine({ protocol: 'openai', url: `${url}/v1`, server: 'other', ...options })
}

/** Of a server that answers everything as another one once did, byte for byte. */
export async function engineOf(name: string, options: Partial<OpenAiRemoteOptions> = {}): Promise<RemoteEngine> {
  return engineAt(await replay(() => recorded(name)), options)
}

export async function engineWith(handle: Handler, options: Partial<OpenAiRemoteOptions> = {}): Promise<RemoteEngine> {
  return engineAt(await serve(handle), options)
}

/** A server that sends these events, each in a piece of its own, and ends. */
export function sending(...events: readonly (string | object)[]): Handler {
  return (_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' })
    for (const event of events) response.write(eventOf(event))
    response.end()
  }
}

export function eventOf(event: string | object): string {
  return `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`
}

/** An event of a chat. */
export function delta(content: string, more: object = {}, top: object = {}): object {
  return { ...top, choices: [{ index: 0, delta: { content }, finish_reason: null, ...more }] }
}

export function finish(reason: string): object {
  return { choices: [{ index: 0, delta: {}, finish_reason: reason }] }
}

export function bodyOf({ body }: ReceivedRequest): Record<string, unknown> {
  return JSON.parse(new TextDecoder().decode(body)) as Record<string, unknown>
}

/** Everything that a stream tells. */
export async function eventsOf(
  engine: RemoteEngine,
  request: StreamRequest = chat(),
  signal = never,
): Promise<GenerationEvent[]> {
  const events: GenerationEvent[] = []
  const reader = streamOf(engine, request, signal).getReader()
  for (let read = await reader.read(); !read.done; read = await reader.read()) events.push(read.value)
  return events
}

export function streamOf(engine: RemoteEngine, request = chat(), signal = never): ReadableStream<GenerationEvent> {
  const stream = engine.stream?.(engine.placement, request, signal)
  if (!stream) throw new Error('the engine does not stream')
  return stream
}

export function textOf(events: readonly GenerationEvent[]): string {
  return events.map((event) => (event.type === 'delta' ? event.text : '')).join('')
}
