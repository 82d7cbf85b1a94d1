/** Reads what a GGUF says of itself, and no more of the file than that. */
import { gguf, type GGUFParseOutput } from '@huggingface/gguf'
import { EdgewardError, isEdgewardError, messageOf } from '../errors/index.js'
import { locateTensors } from './gguf-tensors.js'
import type { GgufFile, GgufMetadata } from './gguf-types.js'

/** Gives the bytes of a file from `start` to before `end`. */
export type ReadBytes = (start: number, end: number) => Promise<Uint8Array>

/**
 * Reads the header of a GGUF: its metadata, and where its tensors lie. Of the file, the header and up to 2.5 MB behind it are read.
 *
 * @param bytes How long the file is.
 * @throws {EdgewardError} `MODEL_UNSUPPORTED` for what cannot be run, `MANIFEST_INVALID` for what is no GGUF or is damaged; and what
 * `read` throws.
 */
export async function readGguf(read: ReadBytes, bytes: number): Promise<GgufFile> {
  const header = await parseHeader(read, bytes)
  const metadata = plainMetadata(header.metadata)
  refuseUnsupported(header, metadata)
  const dataOffset = alignedDataOffset(header, metadata)
  return { metadata, tensors: locateTensors(header.tensorInfos, dataOffset.offset, dataOffset.alignment, bytes) }
}

type Header = GGUFParseOutput<{ strict: false }>

/** The library asks with `fetch` and `Range`: no network is behind it here. */
async function parseHeader(read: ReadBytes, bytes: number): Promise<Header> {
  let failed: { readonly cause: unknown } | undefined
  const fetchRange = async (_address: unknown, init?: RequestInit): Promise<Response> => {
    try {
      return new Response(await readRange(read, bytes, new Headers(init?.headers).get('range') ?? ''))
    } catch (cause) {
      failed = { cause }
      throw cause
    }
  }
  try {
    const header = await gguf('https://edgeward.invalid/model.gguf', { fetch: fetchRange })
    // Behind the end, it has read zeros.
    if (header.tensorInfoByteRange[1] > bytes) throw damaged(`its header does not end within its ${bytes} bytes`)
    return header
  } catch (error) {
    if (failed) throw failed.cause
    if (isEdgewardError(error)) throw error
    throw damaged(messageOf(error), error)
  }
}

async function readRange(read: ReadBytes, bytes: number, range: string): Promise<Uint8Array<ArrayBuffer>> {
  const [start = 0, last = 0] = (/^bytes=(\d+)-(\d+)$/.exec(range) ?? []).slice(1).map(Number)
  const length = last + 1 - start
  // It reads ahead by less than one range, which may lie behind the end; another one means that the header does not end.
  if (start >= bytes + length) throw damaged(`its header does not end within its ${bytes} bytes`)
  if (start >= bytes) return new Uint8Array(0)
  const end = Math.min(last + 1, bytes)
  const answer = await read(start, end)
  if (answer.length !== end - start) {
    throw damaged(`of its bytes ${start} to ${end}, ${answer.length} are there`)
  }
  return new Uint8Array(answer)
}

function refuseUnsupported(header: Header, metadata: GgufMetadata): void {
  if (!header.littleEndian) throw unsupported('it is big-endian; files for little-endian machines can be run')
  const parts = Number(metadata['split.count'] ?? 1)
  if (parts > 1) {
    throw unsupported(
      `it is one of ${parts} parts; only a model in a single file can be run (llama.cpp's \`llama-gguf-split --merge\` makes one)`,
      { parts },
    )
  }
}

function alignedDataOffset({ tensorInfoByteRange }: Header, metadata: GgufMetadata) {
  const alignment = Number(metadata['general.alignment'] ?? 32)
  if (!Number.isInteger(Math.log2(alignment)) || alignment < 1) {
    throw damaged(`its tensors are aligned to ${alignment} bytes, which is no power of two`)
  }
  return { alignment, offset: Math.ceil(tensorInfoByteRange[1] / alignment) * alignment }
}

/** Without 64-bit integers, which would have to be told apart by everybody; none that is needed exceeds 53 bits. */
function plainMetadata(metadata: Header['metadata']): GgufMetadata {
  return Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, plain(value)]))
}

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return typeof value[0] === 'bigint' || Array.isArray(value[0]) ? value.map(plain) : value
  return typeof value === 'bigint' ? Number(value) : value
}

function damaged(problem: string, cause?: unknown): EdgewardError {
  return new EdgewardError('MANIFEST_INVALID', `This is no GGUF that can be read: ${problem}`, { cause })
}

function unsupported(problem: string, details = {}): EdgewardError {
  return new EdgewardError('MODEL_UNSUPPORTED', `This GGUF cannot be run: ${problem}`, { details })
}
