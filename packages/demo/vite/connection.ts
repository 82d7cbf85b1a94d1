/** Slows down what the page's server gives out to a visitor, so that a slow connection can be watched on a fast one. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

const cookie = 'edgeward-visitor'
/** Visitors who have not changed anything for longest are forgotten first. */
const mostVisitors = 1_000
/** So many bytes leave at once, so that a slow connection trickles. */
const sliceBytes = 8_192

/** One visitor's connection: all of their downloads share it. */
class Connection {
  bytesPerSecond: number
  #freeAt = 0

  constructor(bytesPerSecond: number) {
    this.bytesPerSecond = bytesPerSecond
  }

  /** Resolves when so many bytes may leave. */
  async pass(bytes: number): Promise<void> {
    if (this.bytesPerSecond === Infinity) return
    const now = performance.now()
    this.#freeAt = Math.max(this.#freeAt, now) + (1000 * bytes) / this.bytesPerSecond
    await delay(this.#freeAt - now)
  }
}

/** The connections of this server's visitors, whom a cookie tells apart. */
export class Connections {
  readonly #byVisitor = new Map<string, Connection>()

  /** What a visitor has chosen, in bytes a second; `Infinity` when nothing. */
  rateOf(request: IncomingMessage): number {
    return this.#of(request)?.bytesPerSecond ?? Infinity
  }

  /** From now on, also for what is under way. */
  setRate(request: IncomingMessage, response: ServerResponse, bytesPerSecond: number): void {
    const visitor = visitorOf(request) ?? randomUUID()
    const connection = this.#byVisitor.get(visitor) ?? new Connection(bytesPerSecond)
    connection.bytesPerSecond = bytesPerSecond
    this.#byVisitor.delete(visitor)
    this.#byVisitor.set(visitor, connection)
    const [oldest] = this.#byVisitor.keys()
    if (this.#byVisitor.size > mostVisitors && oldest !== undefined) this.#byVisitor.delete(oldest)
    response.setHeader('Set-Cookie', `${cookie}=${visitor}; Path=/; HttpOnly; SameSite=Strict`)
  }

  /** Has a response leave no faster than its visitor's connection. */
  slowDown(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.#of(request)
    if (connection !== undefined) passThrough(connection, response)
  }

  #of(request: IncomingMessage): Connection | undefined {
    return this.#byVisitor.get(visitorOf(request) ?? '')
  }
}

/** Who writes to the response is held back as by a slow reader: `write` says "full", and `drain` comes later. */
function passThrough(connection: Connection, response: ServerResponse): void {
  const write = response.write.bind(response) as (chunk: Uint8Array) => boolean
  const end = response.end.bind(response)
  let before = Promise.resolve()
  const send = async (chunk: Uint8Array) => {
    for (let at = 0; at < chunk.length; at += sliceBytes) {
      const slice = chunk.subarray(at, at + sliceBytes)
      await connection.pass(slice.length)
      if (response.destroyed) return
      if (!write(slice)) await Promise.race([once(response, 'drain'), once(response, 'close')])
    }
    response.emit('drain')
  }
  const fail = (error: unknown) => void response.destroy(error instanceof Error ? error : new Error(String(error)))
  const inTurn = (work: () => Promise<void>) => {
    before = before.then(work).catch(fail)
  }
  response.write = (chunk: string | Uint8Array) => {
    inTurn(() => send(typeof chunk === 'string' ? Buffer.from(chunk) : chunk))
    return false
  }
  response.end = () => {
    inTurn(async () => {
      if (!response.destroyed) end()
    })
    return response
  }
}

function visitorOf({ headers }: IncomingMessage): string | undefined {
  return new RegExp(`(?:^|; )${cookie}=([\\w-]+)`).exec(headers.cookie ?? '')?.[1]
}
