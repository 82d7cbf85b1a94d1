/** Passes a visitor's requests on to the endpoint, until the visitor cuts the line: then connections end without a word. */
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Connect } from 'vite'

/** Visitors who have cut their line for longest get it back first. */
const mostCuts = 1_000

/**
 * Serves `/<visitor>/…` and `POST /<visitor>?isCut=true`. The visitor is part of the path, since probes go without cookies.
 *
 * @param endpoint - its address, or null where there is none
 * @param onAnswer - sees each response before anything of it is sent
 */
export function endpointLine(
  endpoint: string | null,
  onAnswer: (request: IncomingMessage, response: ServerResponse) => void,
): Connect.NextHandleFunction {
  const cuts = new Set<string>()
  const open = new Map<ServerResponse, string>()
  return (request, response) => {
    const { pathname, search, searchParams } = new URL(request.url ?? '/', 'http://localhost')
    const [, visitor = '', ...rest] = pathname.split('/')
    if (endpoint === null || visitor === '') return response.writeHead(404).end()
    if (rest.length === 0) {
      const isCut = searchParams.get('isCut') === 'true'
      setCut(cuts, visitor, isCut, request, response)
      if (isCut) end(visitor, open)
      return
    }
    if (cuts.has(visitor)) return request.socket.destroy()
    open.set(response, visitor)
    response.on('close', () => open.delete(response))
    onAnswer(request, response)
    forward(new URL(`${endpoint.replace(/\/$/, '')}/${rest.join('/')}${search}`), request, response)
  }
}

/** Also what is in the middle of its answer. */
function end(visitor: string, open: ReadonlyMap<ServerResponse, string>): void {
  for (const [response, whose] of open) if (whose === visitor) response.destroy()
}

function setCut(
  cuts: Set<string>,
  visitor: string,
  isCut: boolean,
  { method }: IncomingMessage,
  response: ServerResponse,
): void {
  if (method !== 'POST') return void response.writeHead(405).end()
  cuts.delete(visitor)
  if (isCut) cuts.add(visitor)
  const [oldest] = cuts
  if (cuts.size > mostCuts && oldest !== undefined) cuts.delete(oldest)
  response.writeHead(204).end()
}

function forward(url: URL, request: IncomingMessage, response: ServerResponse): void {
  const headers = { ...request.headers }
  // Those of this server are not the endpoint's.
  delete headers.host
  delete headers.cookie
  const forwarded = httpRequest(url, { method: request.method, headers }, (answer) => {
    answer.pipe(response.writeHead(answer.statusCode ?? 502, answer.headers))
  })
  // What reached nobody ends as it would have without this line.
  forwarded.on('error', () => response.destroy())
  response.on('close', () => forwarded.destroy())
  request.pipe(forwarded)
}
