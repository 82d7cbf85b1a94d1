/** Fetched files, kept by their SHA-256 outside every clone, so that each is downloaded once on a machine. */
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { digestFile } from './digest-file.js'
import { removeAbandoned } from './remove-abandoned.js'

export interface CachedFile {
  readonly path: string
  /** The source that it came from when it was fetched. */
  readonly source: string
}

export class FileCache {
  readonly #dir: string

  constructor(dir: string = defaultCacheDir()) {
    this.#dir = dir
  }

  /** The file with this digest, verified anew; a damaged one is removed. */
  async find(sha256: string, signal: AbortSignal): Promise<CachedFile | undefined> {
    const path = this.#path(sha256)
    const found = await digestOrNothing(path, signal)
    if (found === sha256) return { path, source: await readFile(`${path}.source`, 'utf8') }
    if (found !== undefined) await rm(path, { force: true })
    return undefined
  }

  /** Moves a file that was verified to be `sha256` into the cache. */
  async add(file: string, sha256: string, source: string): Promise<CachedFile> {
    const path = this.#path(sha256)
    await mkdir(join(this.#dir, 'sha256'), { recursive: true })
    // The note comes first: a file in the cache always has one.
    await writeFile(`${path}.source`, source)
    await rename(file, path)
    return { path, source }
  }

  /** Runs `work` with a temporary folder on the cache's own disk, so that {@link FileCache.add} is one atomic step. */
  async withTemporaryFolder<T>(work: (dir: string) => Promise<T>): Promise<T> {
    const parent = join(this.#dir, 'tmp')
    await mkdir(parent, { recursive: true })
    await removeAbandoned(parent, (name) => Number(/^(\d+)-/.exec(name)?.[1] ?? process.pid))
    const dir = await mkdtemp(join(parent, `${process.pid}-`))
    try {
      return await work(dir)
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  }

  #path(sha256: string): string {
    return join(this.#dir, 'sha256', sha256)
  }
}

function defaultCacheDir(): string {
  const { EDGEWARD_CACHE, XDG_CACHE_HOME } = process.env
  return EDGEWARD_CACHE || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'edgeward')
}

async function digestOrNothing(path: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    return (await digestFile(path, signal)).sha256
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
