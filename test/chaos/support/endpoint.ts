/** The way to the real endpoint, which can be broken. */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { startFront, type Front, type Reply } from './front.js'

/** A front of the endpoint at `url`. */
export function startEndpointFront(url: string): Promise<Front> {
  return startFront((request, body) => forward(url, request, body))
}

function forward(base: string, { method, headers, url = '/' }: IncomingMessage, body: Buffer): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const forwarded = httpRequest(new URL(url, base), { method, headers }, (answer) => {
      buffer(answer).then((read) => resolve(replyOf(answer, read)), reject)
    })
    forwarded.on('error', reject)
    forwarded.end(body)
  })
}

function replyOf({ statusCode = 502, headers }: IncomingMessage, body: Buffer): Reply {
  const kept = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined || hopByHop.includes(name) ? [] : [[name, String(value)]],
  )
  return { status: statusCode, headers: Object.fromEntries(kept) as Record<string, string>, body }
}

const hopByHop: readonly string[] = ['connection', 'keep-alive', 'transfer-encoding', 'content-length']
