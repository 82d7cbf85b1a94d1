/** Reads what a hub answers: of its API, and of the headers of files. */
import type { ListedFile } from './repository-layout.js'

/** A file as the headers of its own answer tell of it. */
export interface SeenFile extends ListedFile {
  readonly commit: string | undefined
  /** Tells this state of the file from another. */
  readonly state: string | undefined
}

/** What a tree's entry says of a file; nothing for a folder. */
export function listedFile(entry: unknown): readonly ListedFile[] {
  const path = fieldOf(entry, 'path')
  const lfs = fieldOf(entry, 'lfs')
  const bytes = fieldOf(lfs, 'size') ?? fieldOf(entry, 'size')
  if (fieldOf(entry, 'type') !== 'file' || typeof path !== 'string' || !isCount(bytes)) return []
  const sha256 = digestOf(fieldOf(lfs, 'oid'))
  return [{ path, bytes, ...(sha256 === undefined ? {} : { sha256 }) }]
}

/** What an answer's headers say of a file: those of the hub where they are, else those of HTTP. */
export function fileOfHeaders(path: string, headers: Headers): SeenFile | undefined {
  const length = headers.has('Content-Encoding') ? null : headers.get('Content-Length')
  const size = headers.get('X-Linked-Size') ?? length
  const bytes = Number(size)
  if (size === null || !isCount(bytes)) return undefined
  const state = headers.get('X-Linked-ETag') ?? headers.get('ETag') ?? headers.get('Last-Modified') ?? undefined
  // The hub's ETag of a large file is its SHA-256.
  const sha256 = digestOf(headers.get('X-Linked-ETag')?.replace(/^(?:W\/)?"|"$/g, ''))
  const commit = headers.get('X-Repo-Commit') ?? undefined
  return { path, bytes, commit, state, ...(sha256 === undefined ? {} : { sha256 }) }
}

/** The next page's address; one of another origin is not asked. */
export function nextPage(link: string | null, url: string): string | undefined {
  const next = /<([^>]+)>\s*;\s*rel="?next"?/.exec(link ?? '')?.[1]
  if (next === undefined) return undefined
  const address = new URL(next, url)
  return address.origin === new URL(url).origin ? address.href : undefined
}

/** The licence among a repository's tags. */
export function licenceOf(tags: unknown): string | undefined {
  const texts: readonly unknown[] = Array.isArray(tags) ? tags : []
  const named = texts.find((tag) => String(tag).startsWith('license:'))
  return typeof named === 'string' ? named.slice('license:'.length) : undefined
}

/** A field of JSON that somebody else wrote; undefined where there is none. */
export function fieldOf(json: unknown, key: string): unknown {
  return typeof json === 'object' && json !== null ? (json as Readonly<Record<string, unknown>>)[key] : undefined
}

function digestOf(value: unknown): string | undefined {
  const hex = typeof value === 'string' ? value.replace(/^sha256:/, '') : ''
  return /^[0-9a-f]{64}$/.test(hex) ? hex : undefined
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
