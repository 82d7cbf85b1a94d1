/** Reads values of a GGUF's metadata by key, and says which one is missing or wrong. */
import type { EdgewardError } from '../errors/index.js'
import { damaged } from './gguf-errors.js'
import type { GgufMetadata } from './gguf-types.js'

/** @throws {EdgewardError} `MANIFEST_INVALID` where there is no such number. */
export function numberOf(metadata: GgufMetadata, key: string): number {
  const value = optionalNumberOf(metadata, key)
  if (value === undefined) throw missing(key, 'number')
  return value
}

/** @throws {EdgewardError} `MANIFEST_INVALID` where the value is something else. */
export function optionalNumberOf(metadata: GgufMetadata, key: string): number | undefined {
  const value = metadata[key]
  if (value === undefined || typeof value === 'number') return value
  throw missing(key, 'number')
}

/** @throws {EdgewardError} `MANIFEST_INVALID` where there is no such text. */
export function textOf(metadata: GgufMetadata, key: string): string {
  const value = optionalTextOf(metadata, key)
  if (value === undefined) throw missing(key, 'text')
  return value
}

/** @throws {EdgewardError} `MANIFEST_INVALID` where the value is something else. */
export function optionalTextOf(metadata: GgufMetadata, key: string): string | undefined {
  const value = metadata[key]
  if (value === undefined || typeof value === 'string') return value
  throw missing(key, 'text')
}

/** @throws {EdgewardError} `MANIFEST_INVALID` where the value is something else. */
export function optionalFlagOf(metadata: GgufMetadata, key: string): boolean | undefined {
  const value = metadata[key]
  if (value === undefined || typeof value === 'boolean') return value
  throw missing(key, 'true or false')
}

/** @throws {EdgewardError} `MANIFEST_INVALID` where there is no such list. */
export function textsOf(metadata: GgufMetadata, key: string): readonly string[] {
  const value = metadata[key]
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
  throw missing(key, 'list of texts')
}

/** @throws {EdgewardError} `MANIFEST_INVALID` where there is no such list of this length. */
export function numbersOf(metadata: GgufMetadata, key: string, length: number): readonly number[] {
  const value = metadata[key]
  if (Array.isArray(value) && value.length === length && value.every((item) => typeof item === 'number')) return value
  throw missing(key, `list of ${length} numbers`)
}

function missing(key: string, what: string): EdgewardError {
  return damaged(`it has no ${what} for ${key}`, { key })
}
