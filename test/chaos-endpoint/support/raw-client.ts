/** A client that writes bytes to a connection as it likes. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export interface RawClient {
  readonly socket: Socket
  /** What has come back so far. */
  readonly received: () => string
  /** Resolves when the connection has ended, with all that came back. */
  readonly ended: Promise<string>
}

/** Connects; the connection is closed with the test. */
export async function connectRaw(port: number): Promise<RawClient> {
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  let received = ''
  socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')))
  // The endpoint may cut the connection: what counts is what came before.
  socket.on('error', () => undefined)
  const ended = once(socket, 'close').then(() => received)
  await once(socket, 'connect')
  return { socket, received: () => received, ended }
}

/** Writes `text` one byte at a time, every `everyMs`, until all is written or the connection ends. */
export function drip({ socket }: RawClient, text: string, everyMs: number): void {
  let at = 0
  const timer = setInterval(() => {
    if (socket.destroyed || at >= text.length) clearInterval(timer)
    else socket.write(text.charAt(at++))
  }, everyMs)
  onTestFinished(() => clearInterval(timer))
}
