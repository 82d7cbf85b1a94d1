/** Recorded HTTP messages, read from their raw bytes, and a server that sends them again byte for byte. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

const folder = new URL('../../fixtures/oip/', import.meta.url)

export interface RawMessage {
  readonly startLine: string
  readonly headers: Headers
  /** Chunk framing removed. */
  readonly body: Uint8Array<ArrayBuffer>
}

/** The raw bytes of a recorded message, such as `triton/infer-flat.resp.http`. */
export function readFixture(path: string): Buffer {
  return readFileSync(new URL(path, folder))
}

export function parseHttp(raw: Buffer): RawMessage {
  const headEnd = raw.indexOf('\r\n\r\n')
  const [startLine = '', ...lines] = raw.toString('latin1', 0, headEnd).split('\r\n')
  const headers = new Headers(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon), line.slice(colon + 1).trim()]
    }),
  )
  const rest = raw.subarray(headEnd + 4)
  const body = headers.get('Transfer-Encoding') === 'chunked' ? joinChunks(rest) : rest
  return { startLine, headers, body: new Uint8Array(body) }
}

/** A server on loopback that answers each request with raw bytes; closed at the end of the test. */
export async function replay(answer: (request: RawMessage) => Buffer): Promise<string> {
  const server = createServer((socket) => {
    let received = Buffer.alloc(0)
    socket.on('error', () => socket.destroy())
    socket.on('data', (data) => {
      received = Buffer.concat([received, data])
      const headEnd = received.indexOf('\r\n\r\n')
      if (headEnd < 0) return
      const request = parseHttp(received)
      if (request.body.length < Number(request.headers.get('Content-Length') ?? 0)) return
      socket.end(answer(request))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function joinChunks(framed: Buffer): Buffer {
  const chunks: Buffer[] = []
  for (let at = 0; ;) {
    const lineEnd = framed.indexOf('\r\n', at)
    const length = parseInt(framed.toString('latin1', at, lineEnd), 16)
    if (!length) return Buffer.concat(chunks)
    chunks.push(framed.subarray(lineEnd + 2, lineEnd + 2 + length))
    at = lineEnd + 2 + length + 2
  }
}
