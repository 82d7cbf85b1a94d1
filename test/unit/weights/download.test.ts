/** Downloads over real HTTP from servers that are almost right: what they bring is used, and what they ask is done. */
import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { splitIntoChunks } from '../../../packages/sdk/src/weights/chunks.js'
import { downloadChunks, type Download } from '../../../packages/sdk/src/weights/download.js'
import { ForegroundGate, LowPriority } from '../../../packages/sdk/src/weights/foreground-gate.js'
import { Scratch } from '../../../packages/sdk/src/weights/scratch.js'
import { weightsDefaults } from '../../../packages/sdk/src/weights/settings.js'

const chunkBytes = 1_000
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

interface Asked {
  readonly first: number
  readonly last: number
  /** How many requests for this range came before. */
  readonly earlier: number
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** Starts a server of one file; resolves with its address. */
async function serve(answer: (asked: Asked) => unknown): Promise<string> {
  const count = new Map<string, number>()
  const server = createServer((request, response) => {
    const { range = '' } = request.headers
    const earlier = count.get(range) ?? 0
    count.set(range, earlier + 1)
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? []
    answer({ first: Number(first), last: Number(last), earlier, request, response })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  // A server that listens on a port has an address with a port.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/weights.bin`
}

function sendRange(bytes: Buffer, { first, last, response }: Asked, headers = {}): void {
  const body = bytes.subarray(first, last + 1)
  response.writeHead(206, {
    'Content-Range': `bytes ${first}-${last}/${bytes.length}`,
    'Content-Length': body.length,
    ...headers,
  })
  response.end(body)
}

/** Downloads the file, and expects the right bytes, each counted once in the end. */
async function expectDownload(bytes: Buffer, urls: readonly string[], settings: Partial<Download> = {}) {
  const digests = Array.from({ length: Math.ceil(bytes.length / chunkBytes) }, (_, index) =>
    sha256(bytes.subarray(index * chunkBytes, (index + 1) * chunkBytes)),
  )
  const file = { path: 'weights.bin', bytes: bytes.length, sha256: sha256(bytes), chunks: digests }
  const came = new Uint8Array(bytes.length)
  let counted = 0
  await downloadChunks({
    ...weightsDefaults,
    retryBaseMs: 1,
    ...settings,
    file,
    urls,
    ruledOut: new Map(),
    scratch: new Scratch(),
    chunks: splitIntoChunks(file, chunkBytes),
    signal: new AbortController().signal,
    onBytes: (count) => (counted += count),
    onVerified: (chunk, chunkOfFile) => {
      came.set(chunkOfFile, chunk.offset)
      return Promise.resolve()
    },
  })
  expect(sha256(came)).toBe(file.sha256)
  expect(counted).toBe(bytes.length)
}

test('an answer that breaks off after its last byte has brought its chunk all the same', async () => {
  const bytes = randomBytes(3 * chunkBytes)
  let requests = 0
  const url = await serve(({ first, last, response }) => {
    requests += 1
    // No Content-Length: that it has ended is said by a last, empty piece, which never comes.
    response.writeHead(206, { 'Content-Range': `bytes ${first}-${last}/${bytes.length}` })
    response.write(bytes.subarray(first, last + 1))
    // Late enough for the client to have read it: undici throws away what it has not handed over when a connection breaks.
    setTimeout(() => response.destroy(), 100)
  })
  await expectDownload(bytes, [url])
  expect(requests).toBe(3)
})

test('mirrors that all break off again and again, but get on, bring the file as one of them would', async () => {
  const bytes = randomBytes(4 * chunkBytes)
  const cutting = (asked: Asked) => {
    const { first, last, response } = asked
    response.writeHead(206, {
      'Content-Range': `bytes ${first}-${last}/${bytes.length}`,
      'Content-Length': last + 1 - first,
    })
    const most = 300
    response.write(bytes.subarray(first, Math.min(last + 1, first + most)), () => {
      if (last + 1 - first > most) response.destroy()
      else response.end()
    })
  }
  await expectDownload(bytes, [await serve(cutting), await serve(cutting)])
})

/** A server whose first chunk comes at once; two others are refused, and none may be asked for before the wait is over. */
async function serveBusy(bytes: Buffer, delaysMs: { readonly rateLimit: number; readonly overload: number }) {
  let readyAt = 0
  let early = 0
  const url = await serve(async (asked) => {
    const { first, earlier, response } = asked
    if (first > 0 && earlier > 0 && performance.now() < readyAt) early += 1
    if (first === chunkBytes && earlier === 0) {
      await sleep(delaysMs.rateLimit)
      readyAt = performance.now() + 1_000
      response.writeHead(429, { 'Retry-After': '1' }).end()
    } else if (first === 2 * chunkBytes && earlier === 0) {
      await sleep(delaysMs.overload)
      response.writeHead(503).end()
    } else sendRange(bytes, asked)
  })
  return { url, early: () => early }
}

test.each([
  ['came first', { rateLimit: 0, overload: 200 }],
  ['came last', { rateLimit: 200, overload: 0 }],
])('a wait that a server asks for holds for every request: the answer with Retry-After %s', async (_, delaysMs) => {
  const bytes = randomBytes(3 * chunkBytes)
  const random = vi.spyOn(Math, 'random').mockReturnValue(1)
  onTestFinished(() => random.mockRestore())
  const { url, early } = await serveBusy(bytes, delaysMs)
  await expectDownload(bytes, [url], { retryBaseMs: 400 })
  expect(early()).toBe(0)
})

test('where its own origin leads to another, requests carry no If-Range, which that one would have to allow', async () => {
  const bytes = randomBytes(3 * chunkBytes)
  const seen: (string | undefined)[] = []
  const elsewhere = await serve((asked) => {
    seen.push(asked.request.headers['if-range'] as string | undefined)
    sendRange(bytes, asked, { ETag: '"a"' })
  })
  const here = await serve(({ response }) => response.writeHead(302, { Location: elsewhere }).end())
  vi.stubGlobal('location', new URL(here))
  onTestFinished(() => void vi.unstubAllGlobals())
  await expectDownload(bytes, [here])
  expect(seen).toEqual([undefined, undefined, undefined])
})

test('a chunk without digest is not put together from two answers when no validator says that they are of one file', async () => {
  const [before, after] = [randomBytes(chunkBytes), randomBytes(chunkBytes)]
  const file = { path: 'weights.bin', bytes: 2 * chunkBytes, sha256: '', chunks: ['', ''] }
  let requests = 0
  const url = await serve(({ first, last, response }) => {
    requests += 1
    const bytes = Buffer.concat(requests === 1 ? [before, before] : [after, after])
    response.writeHead(206, {
      'Content-Range': `bytes ${first}-${last}/${bytes.length}`,
      'Content-Length': last + 1 - first,
    })
    if (requests > 1) response.end(bytes.subarray(first, last + 1))
    else response.write(bytes.subarray(0, 500), () => setTimeout(() => response.destroy(), 100))
  })
  const came: string[] = []
  await downloadChunks({
    ...weightsDefaults,
    retryBaseMs: 1,
    file,
    urls: [url],
    ruledOut: new Map(),
    scratch: new Scratch(),
    chunks: splitIntoChunks(file, chunkBytes),
    signal: new AbortController().signal,
    onBytes: () => undefined,
    onVerified: (_, bytes) => Promise.resolve(void came.push(sha256(bytes))),
  })
  expect(came).toEqual([sha256(after), sha256(after)])
})

test('a load that is hastened asks for as much at once as any other: what two requests brought says nothing of more', async () => {
  const bytes = randomBytes(160 * chunkBytes)
  const priority = new LowPriority(new ForegroundGate())
  let open = 0
  let asked = 0
  let most = { low: 0, hastened: 0 }
  const url = await serve(async (request) => {
    if ((asked += 1) === 100) priority.hasten()
    open += 1
    if (priority.isLow) most = { ...most, low: Math.max(most.low, open) }
    else most = { ...most, hastened: Math.max(most.hastened, open) }
    await sleep(20) // The link is slow to answer: every request more brings more.
    open -= 1
    sendRange(bytes, request)
  })
  await expectDownload(bytes, [url], { priority, throughputWindowMs: 100 })
  expect(most.low).toBe(2)
  expect(most.hastened).toBeGreaterThanOrEqual(weightsDefaults.parallelRequests)
})
