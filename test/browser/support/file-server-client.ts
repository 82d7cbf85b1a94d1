/** The browser tests' side of the file server: puts random files there, sets faults, reads the log. */
import { inject } from 'vitest'
import type { ManifestFile } from '../../../packages/sdk/src/contract/index.js'
import type { Fault, LoggedRequest } from './faults.js'

/** A file on the server, what a manifest says of it, and its true bytes. */
export interface ServedFile {
  readonly file: ManifestFile
  readonly url: string
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Replaces the faults of this file, and forgets its requests. */
  misbehave(...faults: Fault[]): Promise<void>
  requests(): Promise<readonly LoggedRequest[]>
  /** How many times the browser asked first whether the page may. */
  preflights(): Promise<number>
}

/** Puts a file of random bytes on the server, at an address that no other file has. */
export async function serveRandomFile(length: number, chunkBytes: number): Promise<ServedFile> {
  return serveFile(randomBytes(length), chunkBytes)
}

/** Puts a file on the server, below a folder that no other file is in. */
export async function serveFile(
  bytes: Uint8Array<ArrayBuffer>,
  chunkBytes: number,
  path = 'weights.bin',
): Promise<ServedFile> {
  const place = `${crypto.randomUUID()}/${path}`
  const url = `${inject('fileServer')}/files/${place}`
  await put(url, bytes)
  return {
    file: await describeFile(bytes, chunkBytes, path),
    url,
    bytes,
    misbehave: (...faults) => put(`${inject('fileServer')}/faults/${place}`, JSON.stringify(faults)),
    requests: async () => {
      const log = await fetch(`${inject('fileServer')}/log/${place}`)
      // The server beside this file writes it.
      return (await log.json()) as LoggedRequest[]
    },
    preflights: async () => (await (await fetch(`${inject('fileServer')}/preflights/${place}`)).json()) as number,
  }
}

export function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  const mostAtOnce = 65_536
  for (let at = 0; at < length; at += mostAtOnce) crypto.getRandomValues(bytes.subarray(at, at + mostAtOnce))
  return bytes
}

/** What a manifest says of a file. */
export async function describeFile(
  bytes: Uint8Array<ArrayBuffer>,
  chunkBytes: number,
  path: string,
): Promise<ManifestFile> {
  const chunks: string[] = []
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    chunks.push(await sha256(bytes.subarray(at, at + chunkBytes)))
  }
  return { path, bytes: bytes.length, sha256: await sha256(bytes), chunks }
}

export async function sha256(bytes: BufferSource): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

async function put(url: string, body: BodyInit): Promise<void> {
  const response = await fetch(url, { method: 'PUT', body })
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
}
