/** A server that answers as what is behind it would, unless it is told to misbehave; it remembers what was asked for. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An answer that is known as a whole. */
export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** Gives the answer that should be given. */
export type Answer = (request: IncomingMessage, body: Buffer) => Promise<Reply>

/** Answers in another way, or not at all; `honest` gives the answer that should be given. */
export type Misbehaviour = (honest: () => Promise<Reply>, response: ServerResponse) => void | Promise<void>

export interface LoggedRequest {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly range: string
}

export interface Front {
  readonly url: string
  /** What was asked for, oldest first, preflights left out. */
  readonly requests: readonly LoggedRequest[]
  /** From now on, so many requests (all, if absent) for paths that match are answered so. The newest rule goes first. */
  misbehave(paths: RegExp, how: Misbehaviour, times?: number): void
  /** Behaves again, and forgets what was asked for. */
  reset(): void
  close(): Promise<void>
}

interface Rule {
  readonly paths: RegExp
  readonly how: Misbehaviour
  left: number
}

/** Starts one on a port of its own. */
export async function startFront(answer: Answer): Promise<Front> {
  const requests: LoggedRequest[] = []
  let rules: readonly Rule[] = []

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = 'GET', url: path = '/', headers } = request
    const body = await bodyOf(request)
    const honest = () => answer(request, body)
    const rule = method === 'OPTIONS' ? undefined : rules.find(({ paths, left }) => left > 0 && paths.test(path))
    if (method !== 'OPTIONS') requests.push({ method, path, range: headers.range ?? 'all' })
    if (rule !== undefined) rule.left -= 1
    if (rule === undefined) send(response, await honest())
    else await rule.how(honest, response)
  }

  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // It listens on a port, not on a pipe.
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    misbehave: (paths, how, times = Infinity) => (rules = [{ paths, how, left: times }, ...rules]),
    reset() {
      rules = []
      requests.length = 0
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export function send(response: ServerResponse, { status, headers, body }: Reply): void {
  response.writeHead(status, { ...headers, 'Content-Length': body.length }).end(body)
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts)
}
