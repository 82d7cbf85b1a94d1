/** Where it costs no preflight, requests say which content they want to go on with; over real HTTP. */
import { createHash, randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { splitIntoChunks } from '../../../packages/sdk/src/weights/chunks.js'
import { downloadChunks } from '../../../packages/sdk/src/weights/download.js'
import { Scratch } from '../../../packages/sdk/src/weights/scratch.js'
import { weightsDefaults } from '../../../packages/sdk/src/weights/settings.js'
import type { Fault, LoggedRequest } from '../../browser/support/faults.js'
import { startFileServer } from '../../browser/support/file-server.js'

const chunkBytes = 1_000
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

test('a file that changes on its own origin comes whole with the next answer', async ({ onTestFinished }) => {
  const server = await startFileServer()
  onTestFinished(() => server.stop())
  const bytes = randomBytes(4 * chunkBytes)
  const faults: Fault[] = [
    { kind: 'validator', etag: '"b"' },
    { kind: 'validator', etag: '"a"', times: 2 },
  ]
  await fetch(`${server.url}/files/x/weights.bin`, { method: 'PUT', body: bytes })
  await fetch(`${server.url}/faults/x/weights.bin`, { method: 'PUT', body: JSON.stringify(faults) })
  const chunks = [0, 1, 2, 3].map((index) => sha256(bytes.subarray(index * chunkBytes, (index + 1) * chunkBytes)))
  const file = { path: 'weights.bin', bytes: bytes.length, sha256: sha256(bytes), chunks }
  const target = new Uint8Array(bytes.length)
  let came = 0
  await downloadChunks({
    ...weightsDefaults,
    parallelRequests: 1,
    file,
    urls: [`${server.url}/files/x/weights.bin`],
    ruledOut: new Map(),
    scratch: new Scratch(),
    chunks: splitIntoChunks(file, chunkBytes),
    signal: new AbortController().signal,
    onBytes: (count) => (came += count),
    onVerified: async ({ offset }, chunk) => target.set(chunk, offset),
  })
  expect(sha256(target)).toBe(file.sha256)
  expect(came).toBe(bytes.length)
  // The server's log has this shape.
  const log = (await (await fetch(`${server.url}/log/x/weights.bin`)).json()) as LoggedRequest[]
  expect(log.map(({ ifRange, status }) => [ifRange, status])).toEqual([
    [null, 206],
    ['"a"', 206],
    ['"a"', 200],
  ])
})
