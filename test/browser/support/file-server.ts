/** A real HTTP server for the browser tests: keeps the files it is given, serves them, and misbehaves on command. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import type { Fault, LoggedRequest } from './faults.js'
import { Hubs, type HubBehaviour } from './hub-server.js'

/** A path's bytes, its faults, and the requests that came for it. */
interface Entry {
  bytes: Buffer | undefined
  /** How often the bytes come one after the other: for files larger than anybody wants to keep. */
  repeats: number
  faults: readonly Fault[]
  readonly log: LoggedRequest[]
  /** How many times a browser asked whether a page of another origin may send what is not a simple request. */
  preflights: number
  gathered: (() => void)[]
}

type Faults = { readonly [K in Fault['kind']]?: Extract<Fault, { readonly kind: K }> }

/** `PUT /files/PATH` and `GET /files/PATH`; `PUT /faults/PATH` takes JSON, `GET /log/PATH` gives it. */
export async function startFileServer(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const entries = new Map<string, Entry>()
  const hubs = new Hubs((place, request, response) => serve(entryAt(entries, place), request, response))
  const server = createServer((request, response) => {
    answer(entries, hubs, request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : new Error(String(error)))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A server that listens on a port has an address with a port.
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, stop: () => stop(server) }
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()))
    server.closeAllConnections()
  })
}

async function answer(
  entries: Map<string, Entry>,
  hubs: Hubs,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
  const [, door = '', path = ''] = /^\/([^/]+)\/(.*)$/.exec(pathname) ?? []
  allowEveryOrigin(response)
  if (door === 'hub') {
    await answerHub(hubs, path, request, response)
    return
  }
  const entry = entryAt(entries, path)
  switch (`${request.method ?? ''} ${door}`) {
    case 'PUT files':
      entry.bytes = await bodyOf(request)
      entry.repeats = Number(searchParams.get('repeats') ?? 1)
      end(response, 204)
      return
    case 'PUT faults':
      // Only this project's tests send faults, through the typed client beside this file.
      entry.faults = JSON.parse((await bodyOf(request)).toString()) as Fault[]
      entry.log.length = 0
      entry.preflights = 0
      end(response, 204)
      return
    case 'GET log':
      end(response, 200, JSON.stringify(entry.log))
      return
    case 'GET files':
      await serve(entry, request, response)
      return
    case 'OPTIONS files':
      entry.preflights += 1
      end(response, 204)
      return
    case 'GET preflights':
      end(response, 200, JSON.stringify(entry.preflights))
      return
    default:
      end(response, request.method === 'OPTIONS' ? 204 : 404)
  }
}

function entryAt(entries: Map<string, Entry>, path: string): Entry {
  const entry = entries.get(path) ?? { bytes: undefined, repeats: 1, faults: [], log: [], preflights: 0, gathered: [] }
  entries.set(path, entry)
  return entry
}

/** `/hub/NAME` is the test's door to a hub, what lies below it the hub itself. */
async function answerHub(hubs: Hubs, path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, name = '', inner] = /^([^/]+)(?:\/(.*))?$/.exec(path) ?? []
  if (inner !== undefined) return hubs.answer(name, inner, request, response)
  if (request.method === 'GET') {
    end(response, 200, JSON.stringify(hubs.log(name)))
    return
  }
  // Only this project's tests set up hubs, through the typed client beside this file.
  if (request.method === 'PUT') hubs.setUp(name, JSON.parse((await bodyOf(request)).toString()) as HubBehaviour)
  end(response, 204)
}

async function serve(entry: Entry, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const logged: LoggedRequest = {
    range: header(request, 'range'),
    ifRange: header(request, 'if-range'),
    status: 0,
    sentBytes: 0,
    finished: false,
    abandoned: false,
  }
  const faults = activeFaults(entry.faults, entry.log.push(logged) - 1)
  response.on('finish', () => (logged.finished = true))
  response.on('close', () => (logged.abandoned = !response.writableFinished))
  if (faults.gather) await gather(entry, faults.gather.count)
  if (faults.silence) return
  const reply =
    entry.bytes && entry.repeats > 1
      ? makeRepeatedReply(entry.bytes, entry.repeats, request)
      : makeReply(entry.bytes, request, faults)
  logged.status = reply.status
  if (faults['hide-headers']) response.removeHeader('Access-Control-Expose-Headers')
  response.writeHead(reply.status, { ...reply.headers, 'Content-Length': reply.body.length })
  const stopAfter = faults.cut?.afterBytes ?? faults.stall?.afterBytes
  const body = reply.body.subarray(0, stopAfter)
  logged.sentBytes = body.length
  if (faults.drip) await drip(response, body, faults.drip)
  if (stopAfter === undefined) {
    response.end(faults.drip ? undefined : body)
    return
  }
  response.flushHeaders()
  response.write(body, () => {
    if (faults.cut) response.destroy()
  })
}

function header(request: IncomingMessage, name: 'range' | 'if-range'): string | null {
  const value = request.headers[name]
  return typeof value === 'string' ? value : null
}

function activeFaults(faults: readonly Fault[], index: number): Faults {
  const active = faults.filter(({ skip = 0, times = Infinity }) => index >= skip && index < skip + times)
  return Object.fromEntries(active.map((fault) => [fault.kind, fault]))
}

async function drip(response: ServerResponse, body: Buffer, how: { pieces: number; everyMs: number }): Promise<void> {
  const pieceBytes = Math.ceil(body.length / how.pieces)
  for (let at = 0; at < body.length; at += pieceBytes) {
    response.write(body.subarray(at, at + pieceBytes))
    await sleep(how.everyMs)
  }
}

/** Waits until `count` requests wait here. */
async function gather(entry: Entry, count: number): Promise<void> {
  await new Promise<void>((resolve) => {
    entry.gathered.push(resolve)
    if (entry.gathered.length < count) return
    for (const release of entry.gathered) release()
    entry.gathered = []
  })
}

interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

function makeReply(file: Buffer | undefined, request: IncomingMessage, faults: Faults): Reply {
  const page = Buffer.from('<!doctype html><title>App</title><p>Not the file.</p>')
  if (faults.status) {
    const { status, retryAfter } = faults.status
    const headers = { 'Content-Type': 'text/plain', ...(retryAfter === undefined ? {} : { 'Retry-After': retryAfter }) }
    return { status, headers, body: page }
  }
  if (faults.html) return { status: 200, headers: { 'Content-Type': 'text/html; charset=utf-8' }, body: page }
  if (!file) return { status: 404, headers: { 'Content-Type': 'text/html' }, body: page }
  if (faults.redirect && !request.url?.includes('?moved')) {
    return { status: 302, headers: { Location: `${request.url ?? ''}?moved` }, body: Buffer.alloc(0) }
  }
  return makeFileReply(damaged(file, faults), request, faults)
}

/** A range of a file that is larger than any buffer; it knows no faults. */
function makeRepeatedReply(bytes: Buffer, repeats: number, request: IncomingMessage): Reply {
  const total = bytes.length * repeats
  const range = parseRange(request.headers.range, total)
  if (range === undefined || range === 'unsatisfiable') return { status: 416, headers: {}, body: Buffer.alloc(0) }
  const [first, last] = range
  const body = Buffer.alloc(last + 1 - first)
  for (let at = 0; at < body.length;) at += bytes.copy(body, at, (first + at) % bytes.length)
  return { status: 206, headers: { 'Content-Range': `bytes ${first}-${last}/${total}` }, body }
}

function makeFileReply(file: Buffer, request: IncomingMessage, faults: Faults): Reply {
  const ifRange = header(request, 'if-range')
  const isOther = ifRange !== null && ifRange !== faults.validator?.etag
  const range = faults['ignore-range'] || isOther ? undefined : parseRange(request.headers.range, file.length)
  const headers: Record<string, string> = {
    // Modules need their type; whatever else there is, this server does not know.
    'Content-Type': /\.m?js$/.test(request.url ?? '') ? 'text/javascript' : 'application/octet-stream',
    'Cache-Control': faults.cacheable ? 'public, max-age=3600' : 'no-store',
  }
  if (faults.validator?.etag !== undefined) headers['ETag'] = faults.validator.etag
  if (faults.validator?.lastModified !== undefined) headers['Last-Modified'] = faults.validator.lastModified
  if (range === 'unsatisfiable') return { status: 416, headers, body: Buffer.alloc(0) }
  const [first, last] = range ?? [0, file.length - 1]
  let body = file.subarray(first, last + 1)
  if (faults['short-body']) body = body.subarray(0, body.length - faults['short-body'].missing)
  if (faults['long-body']) body = Buffer.concat([body, Buffer.alloc(faults['long-body'].extra)])
  if (range) {
    const shift = faults['wrong-content-range'] ? 1 : 0
    headers['Content-Range'] = `bytes ${first + shift}-${first + shift + body.length - 1}/${file.length}`
  }
  if (faults.gzip) {
    headers['Content-Encoding'] = 'gzip'
    body = gzipSync(body)
  }
  return { status: range ? 206 : 200, headers, body }
}

function damaged(file: Buffer, faults: Faults): Buffer {
  const flip = faults['flip-byte']
  if (!flip) return file
  const copy = Buffer.from(file)
  copy.writeUInt8(copy.readUInt8(flip.at) ^ 0xff, flip.at)
  return copy
}

function parseRange(
  header: string | undefined,
  length: number,
): readonly [number, number] | undefined | 'unsatisfiable' {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(header ?? '') ?? []
  if (first === undefined || last === undefined) return undefined
  return Number(first) >= length ? 'unsatisfiable' : [Number(first), Math.min(Number(last), length - 1)]
}

/** The test page is cross-origin isolated: without the last header it could not read the answers. */
function allowEveryOrigin(response: ServerResponse): void {
  response.setHeader('Access-Control-Allow-Origin', '*')
  response.setHeader('Access-Control-Allow-Methods', 'GET, PUT')
  response.setHeader('Access-Control-Allow-Headers', '*')
  response.setHeader('Access-Control-Expose-Headers', 'Content-Range, Content-Encoding, ETag, Retry-After')
  response.setHeader('Cross-Origin-Resource-Policy', 'cross-origin')
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

function end(response: ServerResponse, status: number, body?: string): void {
  response.writeHead(status, body === undefined ? {} : { 'Content-Type': 'application/json' })
  response.end(body)
}
