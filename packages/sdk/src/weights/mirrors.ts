/** Chooses, for each chunk, among the addresses that have the same file. */
import { EdgewardError } from '../errors/index.js'
import type { DownloadProblem } from './retry.js'
import type { Validator } from './validator.js'

/** One address of a file, and what a download has learnt of it. */
export interface Mirror {
  readonly url: string
  /** Nobody asks before this time, of `performance.now()`: the server said that it is busy. */
  readyAt: number
  /** The file's content there, as the newest answer told. */
  validator: Validator | undefined
  /** Where the newest answer came from, redirects included. */
  answeredBy: string | undefined
  /** Whether the file became another one while it was downloaded. */
  hasChanged: boolean
  /** Why it is not asked any more. */
  ruledOut: EdgewardError | undefined
}

/** The folders that served wrong bytes, with the error that showed it: for as long as the worker lives. */
export type RuledOutMirrors = Map<string, EdgewardError>

/** The mirrors of one file, in the order in which they are asked: one that fails goes to the end. */
export class Mirrors {
  readonly all: readonly Mirror[]
  readonly #path: string
  readonly #lasting: RuledOutMirrors
  #order: readonly Mirror[]

  constructor(urls: readonly string[], path: string, lasting: RuledOutMirrors) {
    this.#path = path
    this.#lasting = lasting
    // An address that is given twice is one: where it is the only one, it is not ruled out for good.
    this.all = Array.from(new Set(urls), (url) => ({
      url,
      readyAt: 0,
      validator: undefined,
      answeredBy: undefined,
      hasChanged: false,
      ruledOut: lasting.get(folderOf(url, path)),
    }))
    this.#order = this.all
  }

  /** Those that may be asked, the best first. */
  get usable(): readonly Mirror[] {
    return this.#order.filter((mirror) => mirror.ruledOut === undefined)
  }

  /** Has the other mirrors asked first. */
  putLast(mirror: Mirror): void {
    this.#order = [...this.#order.filter((other) => other !== mirror), mirror]
  }

  /** Has it asked no more by this download, and, where it served wrong bytes and others do not, by none. */
  ruleOut(mirror: Mirror, error: EdgewardError): void {
    mirror.ruledOut = error
    if (!isWrong(error)) return
    const areAllWrong = this.all.every(({ ruledOut }) => ruledOut !== undefined && isWrong(ruledOut))
    // When no address has the right bytes, the next load asks them again: the model may just have been replaced there.
    if (areAllWrong) for (const { url } of this.all) this.#lasting.delete(folderOf(url, this.#path))
    else this.#lasting.set(folderOf(mirror.url, this.#path), error)
  }
}

/** The way of one chunk through the mirrors. */
export class Route {
  /** When each mirror that has failed may be asked again; `Infinity`: never. */
  readonly #readyAt = new Map<Mirror, number>()
  readonly #tries = new Map<Mirror, number>()
  readonly #errors = new Map<Mirror, EdgewardError>()

  /** The mirror to ask next and how long to wait before, or undefined when none is left. */
  next(mirrors: Mirrors, now: number): { readonly mirror: Mirror; readonly delayMs: number } | undefined {
    const ready = (mirror: Mirror) => Math.max(mirror.readyAt, this.#readyAt.get(mirror) ?? 0, now)
    const [first, ...others] = mirrors.usable
    if (first === undefined) return undefined
    const mirror = others.reduce((best, other) => (ready(other) < ready(best) ? other : best), first)
    return Number.isFinite(ready(mirror)) ? { mirror, delayMs: ready(mirror) - now } : undefined
  }

  /** Counts a try that failed; resolves to how many in a row those are. One that got on well begins the row anew. */
  count(mirror: Mirror, gotOn: boolean): number {
    const tries = (gotOn ? 0 : (this.#tries.get(mirror) ?? 0)) + 1
    this.#tries.set(mirror, tries)
    return tries
  }

  /** Leaves a mirror alone for this chunk until then. */
  failed(mirror: Mirror, error: EdgewardError, readyAt: number): void {
    this.#readyAt.set(mirror, readyAt)
    this.#errors.set(mirror, error)
  }

  /** What a chunk's download ends with when no mirror is left. */
  failure(mirrors: Mirrors, path: string): EdgewardError {
    const failures = mirrors.all.flatMap((mirror) => {
      const error = this.#errors.get(mirror) ?? mirror.ruledOut
      return error === undefined ? [] : [{ mirror, error, tries: this.#tries.get(mirror) ?? 0 }]
    })
    const [only] = failures
    if (only !== undefined && mirrors.all.length === 1) {
      const message = describeFailure(only)
      return new EdgewardError(only.error.code, message, { details: only.error.details, cause: only.error.cause })
    }
    const isWrong = failures.length > 0 && failures.every(({ error }) => error.code === 'INTEGRITY')
    const message = `${path}: none of ${mirrors.all.length} mirrors has it: ${failures.map(describeFailure).join('; ')}`
    const details = {
      file: path,
      mirrors: failures.map(({ mirror, error }) => ({ url: mirror.url, code: error.code, ...error.details })),
    }
    return new EdgewardError(isWrong ? 'INTEGRITY' : 'DOWNLOAD_FAILED', message, { details })
  }
}

function describeFailure(failure: { mirror: Mirror; error: EdgewardError; tries: number }): string {
  const { mirror, error, tries } = failure
  const often = tries > 1 ? `; tried ${tries} times` : ''
  const changed = mirror.hasChanged ? '; the file changed on the server while it was downloaded' : ''
  return `${error.message}${often}${changed}`
}

function isWrong({ details }: EdgewardError): boolean {
  const problem: DownloadProblem = 'wrong-bytes'
  return details['problem'] === problem
}

/** What an address has before the file's path: a mirror's folder of this model. */
function folderOf(url: string, path: string): string {
  const end = path.split('/').map(encodeURIComponent).join('/')
  return url.endsWith(end) ? url.slice(0, -end.length) : url
}
