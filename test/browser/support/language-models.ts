/** A small language model on the file server, and a worker that is driven as a page drives it. */
import { inject, onTestFinished } from 'vitest'
import type { GenerationEvent, GenerationInput, GenerationOptions, ModelSource } from 'edgeward'
import { neverAborted } from '../../../packages/sdk/src/shared/index.js'
import { connect, modelKey, type Connection, type LocateFrom } from '../../../packages/sdk/src/transport/index.js'
import { serveFile, type ServedFile } from './file-server-client.js'

/** The model of the alphabet (test/support/tiny-llama.ts) as a GGUF whose bytes no cache has seen. */
export function tinyGguf(architecture = 'llama'): Uint8Array<ArrayBuffer> {
  const gguf = Uint8Array.from(atob(inject('madeModels').tinyLlama), (character) => character.charCodeAt(0))
  const text = new TextDecoder('latin1').decode(gguf.subarray(0, 200))
  // The key, the type of its value, and the value's length.
  const at = text.indexOf('general.architecture') + 'general.architecture'.length + 4 + 8
  gguf.set(new TextEncoder().encode(architecture.padEnd(5).slice(0, 5)), at)
  // What lies behind the tensors is nobody's.
  return Uint8Array.from([...gguf, ...new TextEncoder().encode(crypto.randomUUID())])
}

/** Serves a GGUF in ranges, at an address of its own. */
export function serveGguf(bytes = tinyGguf()): Promise<ServedFile> {
  return serveFile(bytes, 4 * 1024 * 1024, 'tiny.gguf')
}

/** A worker of this test; it ends with it. */
export async function startWorker(url: string | URL = '/shipped/worker.js'): Promise<Connection> {
  const worker = new Worker(url, { type: 'module' })
  onTestFinished(() => worker.terminate())
  return connect(worker, neverAborted())
}

export const signal = neverAborted()

export async function locate(
  connection: Connection,
  model: string,
  from: LocateFrom = 'cache-first',
): Promise<ModelSource> {
  const source = await connection.call('locate', { modelsUrls: [], model, from }, { signal })
  await connection.call('register', source, { signal })
  return source
}

export const onWasm = { backend: 'wasm', variant: 'fp32' } as const

/** Locates a model and makes it ready, to the end: what can be stored is stored. */
export async function prepare(
  connection: Connection,
  name: string,
  from: LocateFrom = 'cache-first',
  place: { backend: 'wasm' | 'webgpu'; variant: 'fp32' | 'int8' | 'q8' | 'q4' } = onWasm,
) {
  const source = await locate(connection, name, from)
  const model = modelKey(source.manifest, source.offline)
  const events = await connection.call('prepare', { model, ...place, threads: 1 }, { signal })
  const told: string[] = []
  for await (const event of iterate(events)) told.push(event.type)
  return { ...place, model, source, told }
}

export interface Ready {
  readonly backend: 'wasm' | 'webgpu'
  readonly variant: 'fp32' | 'int8' | 'q8' | 'q4'
  readonly model: string
}

export function generate(
  connection: Connection,
  { model, backend, variant }: Ready,
  input: GenerationInput,
  options: GenerationOptions = {},
): Promise<ReadableStream<GenerationEvent>> {
  const payload = { model, backend, variant, lane: 'default', input, options: { temperature: 0, ...options } } as const
  return connection.call('generate', payload, { signal })
}

/** The raw text of a stream, to its end. */
export async function textOf(stream: ReadableStream<GenerationEvent>): Promise<string> {
  let text = ''
  for await (const event of iterate(stream)) if (event.type === 'delta') text += event.text
  return text
}

/** Not every browser of the tests has them as asynchronous iterables. */
export async function* iterate<T>(stream: ReadableStream<T>): AsyncGenerator<T> {
  const reader = stream.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    await reader.cancel()
  }
}
