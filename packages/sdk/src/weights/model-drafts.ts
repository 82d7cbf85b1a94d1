/** How manifests of language models are drafted from their files: by code that is loaded when there is one. */
import type { Manifest } from '../contract/index.js'
import type { Repository } from './repository-layout.js'

/** A GGUF that nobody has made a manifest for. */
export interface GgufSource {
  /** The model's id: its address, or `hf:organisation/repository/file.gguf`, or `local:name`. */
  readonly id: string
  readonly revision: string
  /** The name that it was asked for by, where that is not its id. */
  readonly askedFor?: string
  readonly path: string
  readonly bytes: number
  /** SHA-256 of the whole file, lower-case hex, where it is told. */
  readonly sha256?: string
  readonly licence?: string
  /** Reads the bytes from `start` to before `end`. */
  read(start: number, end: number): Promise<Uint8Array>
}

export interface ModelDrafts {
  /** The manifest of a GGUF, from its header. @throws {EdgewardError} `MODEL_UNSUPPORTED`, `MANIFEST_INVALID` */
  gguf(source: GgufSource): Promise<Manifest>
  /** What a repository's files say of its language model. @throws {EdgewardError} `MANIFEST_INVALID` */
  languageModel(repository: Repository): Promise<Pick<Manifest, 'assets' | 'config'>>
}
