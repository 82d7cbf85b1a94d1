/** Reads what a GGUF says of itself, and no more of the file than that. */
import { damaged, unsupported } from './gguf-errors.js'
import { HeaderGoesOn, parseHeader, type GgufHeader } from './gguf-header.js'
import { numberOf, optionalNumberOf } from './gguf-metadata.js'
import { locateTensors } from './gguf-tensors.js'
import type { GgufFile } from './gguf-types.js'

/** Gives the bytes of a file from `start` to before `end`. */
export type ReadBytes = (start: number, end: number) => Promise<Uint8Array>

/**
 * Reads the header of a GGUF: its metadata, and where its tensors lie. Of the file, 1 MiB is read, and twice as much until the
 * header is whole.
 *
 * @param bytes How long the file is.
 * @throws {EdgewardError} `MODEL_UNSUPPORTED` for what cannot be run, `MANIFEST_INVALID` for what is no GGUF or is damaged; and what
 * `read` throws.
 */
export async function readGguf(read: ReadBytes, bytes: number): Promise<GgufFile> {
  const header = await readHeader(read, bytes)
  const { metadata, tensors, end } = header
  refuseSplit(header)
  const alignment = optionalNumberOf(metadata, 'general.alignment') ?? 32
  if (alignment < 1 || !Number.isInteger(Math.log2(alignment))) {
    throw damaged(`its tensors are aligned to ${alignment} bytes, which is no power of two`)
  }
  const dataOffset = Math.ceil(end / alignment) * alignment
  return { metadata, tensors: locateTensors(tensors, dataOffset, alignment, bytes) }
}

const firstBytes = 2 ** 20
/** Of the largest vocabularies (Gemma's, 262,144 tokens) it has 16 MB. */
const mostHeaderBytes = 2 ** 26

async function readHeader(read: ReadBytes, bytes: number): Promise<GgufHeader> {
  let begin = new Uint8Array(0)
  for (let length = firstBytes; length <= mostHeaderBytes; length *= 2) {
    begin = await extend(begin, Math.min(length, bytes), read)
    try {
      return parseHeader(begin, bytes)
    } catch (error) {
      if (!(error instanceof HeaderGoesOn)) throw error
    }
  }
  throw damaged(`its header is longer than ${mostHeaderBytes} bytes`)
}

async function extend(begin: Uint8Array<ArrayBuffer>, end: number, read: ReadBytes): Promise<Uint8Array<ArrayBuffer>> {
  const extended = new Uint8Array(end)
  extended.set(begin)
  const more = await read(begin.length, end)
  if (more.length !== end - begin.length) {
    throw damaged(`of its bytes ${begin.length} to ${end}, ${more.length} are there`)
  }
  extended.set(more, begin.length)
  return extended
}

function refuseSplit({ metadata }: GgufHeader): void {
  const parts = metadata['split.count'] === undefined ? 1 : numberOf(metadata, 'split.count')
  if (parts <= 1) return
  throw unsupported(
    `it is one of ${parts} parts; only a model in a single file can be run (llama.cpp's \`llama-gguf-split --merge\` makes one)`,
    { parts },
  )
}
