/** The packages that one run has downloaded: one download of a package serves all its files. */
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { PackError } from '../pack-error.js'

export class PackageShelf {
  readonly #dir: string
  readonly #archives = new Map<string, Promise<string>>()

  /** @param dir A temporary folder, which the caller removes. */
  constructor(dir: string) {
    this.#dir = dir
  }

  /**
   * The path of a package's archive. `download` is called once for each `key`, with an empty folder in which it leaves
   * the archive.
   */
  archive(key: string, download: (dir: string) => Promise<unknown>): Promise<string> {
    const known = this.#archives.get(key)
    if (known) return known
    const archive = this.#download(key, download)
    this.#archives.set(key, archive)
    return archive
  }

  async #download(key: string, download: (dir: string) => Promise<unknown>): Promise<string> {
    const dir = join(this.#dir, String(this.#archives.size))
    await mkdir(dir, { recursive: true })
    await download(dir)
    const [archive] = await readdir(dir)
    if (archive === undefined) throw new PackError(`the download of ${key} left no file`)
    return join(dir, archive)
  }
}
