/** A Node server on loopback for one test: what it was asked, and an answer that the test writes itself. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export interface ReceivedRequest {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: Uint8Array<ArrayBuffer>
}

export type Handler = (request: ReceivedRequest, response: ServerResponse) => void

/** Starts a server, closed with all its connections at the end of the test. */
export async function serve(handle: Handler): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method, url, headers } = request
      handle({ method, url, headers, body: new Uint8Array(Buffer.concat(chunks)) }, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** The model that a request for an inference names. */
export function modelOf({ url = '' }: ReceivedRequest): string {
  return decodeURIComponent(/\/v2\/models\/([^/]*)\//.exec(url)?.[1] ?? '')
}
