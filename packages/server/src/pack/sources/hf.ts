/** A file of a repository on the Hugging Face Hub, or on the mirror that HF_ENDPOINT names. */
import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { messageOf, PackError } from '../pack-error.js'
import type { FetchSource } from './fetch-context.js'

export const fetchFromHf: FetchSource<'hf'> = async ({ repo, revision, path }, target, { signal, onBytes }) => {
  const endpoint = (process.env['HF_ENDPOINT'] ?? 'https://huggingface.co').replace(/\/+$/, '')
  const url = `${endpoint}/${repo}/resolve/${revision}/${path.split('/').map(encodeURIComponent).join('/')}`
  const response = await request(url, signal)
  if (!response.ok || !response.body) throw new PackError(explainStatus(response.status, url))
  const length = response.headers.get('content-length')
  // A compressed answer's length says nothing about the file's.
  const total = length === null || response.headers.has('content-encoding') ? undefined : Number(length)
  await pipeline(response.body, countBytes(total, onBytes), createWriteStream(target), { signal })
}

async function request(url: string, signal: AbortSignal): Promise<Response> {
  const token = process.env['HF_TOKEN']
  try {
    // fetch itself drops the header when it is sent on to another origin.
    return await fetch(url, { signal, headers: token ? { Authorization: `Bearer ${token}` } : {} })
  } catch (error) {
    if (signal.aborted) throw signal.reason
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
    throw new PackError(`${new URL(url).origin} could not be reached: ${messageOf(cause)}`, { cause: error })
  }
}

function explainStatus(status: number, url: string): string {
  const hint = status === 401 || status === 403 ? '; set HF_TOKEN to a token that may read this repository' : ''
  return `${url} answered ${status}${hint}`
}

function countBytes(total: number | undefined, onBytes: (loaded: number, total?: number) => void) {
  return async function* (chunks: AsyncIterable<Uint8Array>) {
    let loaded = 0
    for await (const chunk of chunks) {
      loaded += chunk.byteLength
      onBytes(loaded, total)
      yield chunk
    }
  }
}
