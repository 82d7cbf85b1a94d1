/** The browser tests' side of the hub: puts real models there, in Hugging Face's layout, and reads what was asked of it. */
import { inject } from 'vitest'
import type { Manifest } from 'edgeward'
import type { Fault, LoggedRequest } from './faults.js'
import { sha256 } from './file-server-client.js'
import type { HubBehaviour, HubRequestLog } from './hub-server.js'

export type HubFiles = Readonly<Record<string, Uint8Array<ArrayBuffer>>>

export interface ServedHub {
  /** What `createClient` takes as `huggingFace.baseUrl`. */
  readonly baseUrl: string
  /** The file's place on the file server: for its faults and its log. */
  misbehave(path: string, ...faults: Fault[]): Promise<void>
  requests(path: string): Promise<readonly LoggedRequest[]>
  /** What came to the hub since it was set up or changed. */
  log(): Promise<readonly HubRequestLog[]>
  /** Changes how it behaves, and the files that are given; forgets what came. */
  change(behaviour: Partial<HubBehaviour>, files?: HubFiles): Promise<void>
}

/** The same server at an address of another origin. */
export function otherOrigin(): string {
  return inject('fileServer').replace('127.0.0.1', 'localhost')
}

/** A hub that only the calling test knows. Files below `onnx/` are large ones, whose SHA-256 it tells. */
export async function serveHub(files: HubFiles, behaviour: Partial<HubBehaviour> = {}): Promise<ServedHub> {
  const name = crypto.randomUUID()
  const server = inject('fileServer')
  let current: HubBehaviour = { hasApi: true, commit: await commitOf(name), files: await describe(files), ...behaviour }
  const put = (door: string, body: BodyInit) => fetch(`${server}/${door}`, { method: 'PUT', body })
  const change = async (changes: Partial<HubBehaviour>, changed: HubFiles = {}) => {
    for (const [path, bytes] of Object.entries(changed)) await put(`files/${name}/${path}`, bytes)
    current = { ...current, files: { ...current.files, ...(await describe(changed)) }, ...changes }
    await put(`hub/${name}`, JSON.stringify(current))
  }
  await change({}, files)
  if (behaviour.files) await change({ files: behaviour.files })
  return {
    baseUrl: `${server}/hub/${name}`,
    misbehave: async (path, ...faults) => {
      await put(`faults/${name}/${path}`, JSON.stringify(faults))
    },
    requests: async (path) => (await (await fetch(`${server}/log/${name}/${path}`)).json()) as LoggedRequest[],
    log: async () => (await (await fetch(`${server}/hub/${name}`)).json()) as HubRequestLog[],
    change,
  }
}

/** MiniLM as the packing tool has it, laid out as on the hub, with bytes that no cache has seen. */
export async function miniLm(): Promise<HubFiles> {
  const { variants } = (await (await fetch('/models/all-minilm-l6-v2/manifest.json')).json()) as Manifest
  const load = async (path: string) =>
    new Uint8Array(await (await fetch(`/models/all-minilm-l6-v2/${path}`)).arrayBuffer())
  const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))
  return {
    'onnx/model_quantized.onnx': unique(await load(variants[0].graphs['model']?.file.path ?? '')),
    'tokenizer.json': await load('tokenizer.json'),
    'tokenizer_config.json': await load('tokenizer_config.json'),
    'config.json': json({ architectures: ['BertModel'], max_position_embeddings: 512 }),
    'modules.json': json([
      { type: 'sentence_transformers.models.Transformer', path: '' },
      { type: 'sentence_transformers.models.Pooling', path: '1_Pooling' },
      { type: 'sentence_transformers.models.Normalize', path: '2_Normalize' },
    ]),
    '1_Pooling/config.json': json({ pooling_mode_mean_tokens: true }),
    'sentence_bert_config.json': json({ max_seq_length: 256 }),
  }
}

/** `tiny-mlp` in the hub's layout, with bytes that no cache has seen. */
export async function tinyHub(): Promise<HubFiles> {
  const bytes = new Uint8Array(await (await fetch('/models/tiny-mlp/model.onnx')).arrayBuffer())
  return { 'onnx/model.onnx': unique(bytes) }
}

/** A model whose weights lie beside it, with bytes that no cache has seen. */
export function hubWithData(): HubFiles {
  const bytes = Uint8Array.from(atob(inject('madeModels').layerWithData), (character) => character.charCodeAt(0))
  // The second file ends with bytes that no tensor is made of.
  const weights = new Uint8Array(Float32Array.from({ length: 12 }, (_, index) => index).buffer)
  const data = Uint8Array.from([...weights, ...new TextEncoder().encode(crypto.randomUUID())])
  return { 'onnx/model.onnx': unique(bytes), 'onnx/model.onnx_data': data }
}

/** An ONNX model with another `doc_string` (field 6 of ModelProto): as a protocol buffer, a field may simply follow. */
export function unique(model: Uint8Array): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(crypto.randomUUID())
  const changed = new Uint8Array(model.length + text.length + 2)
  changed.set(model)
  changed.set([(6 << 3) | 2, text.length, ...text], model.length)
  return changed
}

export async function commitOf(text: string): Promise<string> {
  return (await sha256(new TextEncoder().encode(text))).slice(0, 40)
}

async function describe(files: HubFiles): Promise<HubBehaviour['files']> {
  const entries = Object.entries(files).map(async ([path, bytes]) => {
    const told = path.startsWith('onnx/') ? { sha256: await sha256(bytes) } : {}
    return [path, { bytes: bytes.length, ...told }] as const
  })
  return Object.fromEntries(await Promise.all(entries))
}
