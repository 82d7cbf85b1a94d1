/** A file whose digests nobody has told, from a real server where it changes: all of it is of one state. */
import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { createDownloadLocks } from '../../../packages/sdk/src/weights/download-locks.js'
import { ForegroundGate, LowPriority } from '../../../packages/sdk/src/weights/foreground-gate.js'
import { Network } from '../../../packages/sdk/src/weights/network.js'
import { PendingWrites } from '../../../packages/sdk/src/weights/pending-writes.js'
import { pinFile } from '../../../packages/sdk/src/weights/pin-file.js'
import { Scratch } from '../../../packages/sdk/src/weights/scratch.js'
import { weightsDefaults } from '../../../packages/sdk/src/weights/settings.js'
import { WeightsDb } from '../../../packages/sdk/src/weights/weights-db.js'

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** Serves the states of a file: which one answers a request, its number decides. */
async function serveStates(states: readonly Uint8Array[], stateOf: (request: number) => number): Promise<string> {
  let requests = 0
  const server = createServer((request, response) => {
    const state = stateOf(requests)
    requests += 1
    const [, first = '', last = ''] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
    const body = states[state]?.subarray(Number(first), Number(last) + 1) ?? Buffer.alloc(0)
    const headers = { 'Content-Range': `bytes ${first}-${last}/3000`, 'Content-Length': body.length }
    response.writeHead(206, { ...headers, ETag: `"${state}"` }).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo // It listens on a port.
  return `http://127.0.0.1:${port}/w.bin`
}

/** Pins the file where there is no database: the bytes come with the pin. */
async function pin(url: string, locks = createDownloadLocks(), priority?: LowPriority) {
  const settings = { ...weightsDefaults, retryBaseMs: 1 }
  const context = {
    ...{ settings, ruledOut: new Map(), db: new WeightsDb(settings), writes: new PendingWrites(0) },
    ...{ scratch: new Scratch(), locks, network: new Network() },
  }
  let came = 0
  const { signal } = new AbortController()
  const onBytes = (bytes: number) => (came += bytes)
  const file = { path: 'w.bin', bytes: 3_000, sha256: '', chunks: ['', '', ''] }
  const pinned = await pinFile(context, file, { key: 'k', url, chunkBytes: 1_000, signal, priority, onBytes })
  return { ...pinned, came }
}

test('a file that changes between its chunks is begun anew', async () => {
  const states = [randomBytes(3_000), randomBytes(3_000)]
  const [, newest = new Uint8Array()] = states
  const { pin: found, bytes, came } = await pin(await serveStates(states, (request) => Math.min(request, 1)))
  expect(found.sha256).toBe(sha256(newest))
  expect(sha256(new Uint8Array((await bytes?.arrayBuffer()) ?? []))).toBe(sha256(newest))
  expect(came).toBe(3_000)
})

test('a file that never stays the same ends with DOWNLOAD_FAILED, which says so', async () => {
  const states = Array.from({ length: 30 }, () => randomBytes(3_000))
  const message = expect.stringContaining('changed on its server') as string
  await expect(pin(await serveStates(states, (request) => request))).rejects.toMatchObject({
    code: 'DOWNLOAD_FAILED',
    message,
  })
})

test('a file that is held back goes on as soon as somebody who waits for it has to wait for that', async () => {
  const state = randomBytes(3_000)
  const url = await serveStates([state], () => 0)
  const locks = createDownloadLocks()
  const gate = new ForegroundGate(60_000)
  onTestFinished(() => gate.set(0))
  gate.set(1)
  const priority = new LowPriority(gate)
  const held = pin(url, locks, priority)
  const wanted = pin(url, locks)
  const pins = await Promise.all([held, wanted])
  expect(pins.map(({ pin: { sha256: found } }) => found)).toEqual([sha256(state), sha256(state)])
  // The other files of its load are still held back.
  expect([gate.isClosed, priority.isLow]).toEqual([true, true])
})
