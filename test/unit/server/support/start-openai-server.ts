/** Starts the built endpoint with a language model that knows the alphabet, and one that makes vectors of texts. */
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { createServer, type ServerOptions } from '@edgeward/server'
import { ggufTokenizer, languageModelConfig, readGguf } from 'edgeward/generation'
import type { Manifest, ManifestFile } from 'edgeward/manifest'
import OpenAI from 'openai'
import { onTestFinished } from 'vitest'
import { model, node, value, weight } from '../../../../models/onnx-writer.mjs'
import { tinyLlamaGguf } from '../../../support/tiny-llama.js'

export interface OpenAiServer {
  readonly app: Awaited<ReturnType<typeof createServer>>
  readonly url: string
  readonly client: OpenAI
  /** Every entry of the log so far. */
  readonly log: readonly Record<string, unknown>[]
  post(path: string, body: unknown, init?: RequestInit): Promise<Response>
}

/** Its models are `alphabet` and `vectors`. */
export async function startOpenAiServer(options: Partial<ServerOptions> = {}): Promise<OpenAiServer> {
  const folder = await mkdtemp(join(tmpdir(), 'edgeward-models-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await writeModels(folder)
  const log: Record<string, unknown>[] = []
  const logStream = new Writable({
    write(line: Buffer, _encoding, done) {
      log.push(JSON.parse(line.toString()) as Record<string, unknown>)
      done()
    },
  })
  const settings = {
    modelsFolder: folder,
    logStream,
    logFormat: 'json',
    shutdownGraceMs: 0,
    shutdownTimeLimitMs: 2000,
    threadsPerRun: 1,
  } as const
  const app = await createServer({ ...settings, ...options })
  onTestFinished(() => app.close())
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  return {
    app,
    url,
    log,
    client: new OpenAI({ baseURL: `${url}/v1`, apiKey: options.keys?.[0] ?? '-', maxRetries: 0 }),
    post: (path, body, init = {}) => {
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      return fetch(url + path, { method: 'POST', body: text, ...init })
    },
  }
}

async function writeModels(folder: string): Promise<void> {
  const gguf = tinyLlamaGguf()
  const header = await readGguf(async (start, end) => gguf.subarray(start, end), gguf.length)
  const { tokenizer, config } = ggufTokenizer(header.metadata)
  await writeModel(folder, 'alphabet', { 'model.gguf': gguf }, (files) => ({
    task: 'text-generation',
    config: { ...languageModelConfig(header) },
    variants: [
      { dtype: 'q8', backends: ['wasm'], graphs: { model: { file: files('model.gguf'), inputs: [], outputs: [] } } },
    ],
  }))
  const texts = { 'tokenizer.json': tokenizer, 'tokenizer_config.json': config }
  const assets = Object.fromEntries(
    Object.entries(texts).map(([name, json]) => [name, new TextEncoder().encode(JSON.stringify(json))]),
  )
  await writeModel(folder, 'vectors', { 'model.onnx': vectorsOnnx(), ...assets }, (files) => ({
    task: 'feature-extraction',
    config: { pooling: 'mean', normalize: false, maxTokens: 16 },
    assets: { tokenizer: files('tokenizer.json'), tokenizerConfig: files('tokenizer_config.json') },
    variants: [
      {
        dtype: 'fp32',
        backends: ['wasm'],
        graphs: {
          model: {
            file: files('model.onnx'),
            inputs: ['input_ids', 'attention_mask'].map((name) => ({
              name,
              dtype: 'int64',
              shape: ['batch', 'tokens'],
            })),
            outputs: [{ name: 'hidden', dtype: 'float32', shape: ['batch', 'tokens', 2] }],
          },
        },
      },
    ],
  }))
}

/** A token's vector is [id, 2 · id]. */
function vectorsOnnx(): Uint8Array {
  const table = Array.from({ length: 520 }, (_, index) => (index % 2 === 0 ? index / 2 : index - 1))
  return model({
    name: 'vectors',
    nodes: [node('Gather', ['table', 'input_ids'], ['hidden']), node('Identity', ['attention_mask'], ['seen'])],
    inputs: [value('input_ids', 7, ['batch', 'tokens']), value('attention_mask', 7, ['batch', 'tokens'])],
    outputs: [value('hidden', 1, ['batch', 'tokens', 2]), value('seen', 7, ['batch', 'tokens'])],
    initializers: [weight('table', [260, 2], table)],
  })
}

type Described = Pick<Manifest, 'task' | 'config' | 'variants'> & Partial<Pick<Manifest, 'assets'>>

async function writeModel(
  folder: string,
  id: string,
  contents: Readonly<Record<string, Uint8Array>>,
  describe: (file: (name: string) => ManifestFile) => Described,
): Promise<void> {
  await mkdir(join(folder, id))
  for (const [name, bytes] of Object.entries(contents)) await writeFile(join(folder, id, name), bytes)
  const file = (name: string): ManifestFile => {
    const bytes = contents[name] ?? new Uint8Array()
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    return { path: name, bytes: bytes.length, sha256, chunks: [sha256] }
  }
  const manifest: Manifest = {
    schemaVersion: 1,
    id,
    revision: 'r1',
    licence: 'Apache-2.0',
    chunkBytes: 4 * 1024 * 1024,
    assets: {},
    provenance: [],
    packedBy: 'test',
    ...describe(file),
  }
  await writeFile(join(folder, id, 'manifest.json'), JSON.stringify(manifest))
}
