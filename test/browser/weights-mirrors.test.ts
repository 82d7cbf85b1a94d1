/** Several addresses of one file: the next one takes over, chunk by chunk, and one that lies is not asked again. */
import { expect, test } from 'vitest'
import type { WeightsStore } from '../../packages/sdk/src/weights/index.js'
import type { Fault } from './support/faults.js'
import { randomBytes, serveFile, type ServedFile } from './support/file-server-client.js'
import { chunkBytes, createHarness, isSame } from './support/weights-harness.js'

const length = 5.5 * chunkBytes
const settings = { stallMs: 300, retryBaseMs: 1 }

async function serveMirrors(...faults: Fault[][]): Promise<readonly [ServedFile, ServedFile]> {
  const bytes = randomBytes(length)
  const mirrors = [await serveFile(bytes, chunkBytes), await serveFile(bytes, chunkBytes)] as const
  await Promise.all(mirrors.map((mirror, index) => mirror.misbehave(...(faults[index] ?? []))))
  return mirrors
}

async function load(store: WeightsStore, [first, second]: readonly [ServedFile, ServedFile]): Promise<Uint8Array> {
  const { signal } = new AbortController()
  const loaded = await store.load(first.file, { url: first.url, mirrorUrls: [second.url], chunkBytes, signal })
  return loaded.intoOneBuffer()
}

const count = async (mirror: ServedFile) => (await mirror.requests()).length

test('while the first mirror serves, no other is asked', async () => {
  const mirrors = await serveMirrors()
  const store = await createHarness().open(settings)
  expect(isSame(await load(store, mirrors), mirrors[0].bytes)).toBe(true)
  expect(await count(mirrors[1])).toBe(0)
})

test.each<[string, Fault[]]>([
  ['is not there', [{ kind: 'status', status: 404 }]],
  ['is overloaded', [{ kind: 'status', status: 503 }]],
  ['is overloaded, and says for how long', [{ kind: 'status', status: 429, retryAfter: '3600' }]],
  ['says nothing', [{ kind: 'silence' }]],
  ['breaks off in the middle', [{ kind: 'cut', afterBytes: 9, skip: 2 }]],
  ['sends a page', [{ kind: 'html', skip: 1 }]],
  ['sends wrong bytes', [{ kind: 'flip-byte', at: 3 * chunkBytes }]],
  ['sends wrong bytes in one whole answer', [{ kind: 'ignore-range' }, { kind: 'flip-byte', at: 3 * chunkBytes }]],
])('a mirror that %s is taken over by the next one, for what is missing', async (_, faults) => {
  const mirrors = await serveMirrors(faults)
  const store = await createHarness().open(settings)
  expect(isSame(await load(store, mirrors), mirrors[0].bytes)).toBe(true)
  expect(await count(mirrors[1])).toBeGreaterThan(0)
})

test('a mirror that served wrong bytes twice is not asked again, also not by the next load', async () => {
  const mirrors = await serveMirrors([{ kind: 'flip-byte', at: 5 }])
  const harness = createHarness()
  const store = await harness.open({ ...settings, parallelRequests: 1 })
  await load(store, mirrors)
  expect(await count(mirrors[0])).toBe(2)
  const { url } = mirrors[0]
  const folder = url.slice(0, url.lastIndexOf('/'))
  const others = await serveMirrors()
  const inTheSameFolder = { ...others[0], url: `${folder}/weights.bin` }
  await mirrors[0].misbehave()
  await load(store, [inTheSameFolder, others[1]])
  expect(await count(mirrors[0])).toBe(0)
})

test('when no mirror has it, the error says why for each', async () => {
  const mirrors = await serveMirrors([{ kind: 'flip-byte', at: 5 }], [{ kind: 'status', status: 404 }])
  const store = await createHarness().open(settings)
  await expect(load(store, mirrors)).rejects.toMatchObject({
    code: 'DOWNLOAD_FAILED',
    message: expect.stringMatching(/none of 2 mirrors.*the manifest says.*got status 404/) as string,
    details: {
      mirrors: [
        { url: mirrors[0].url, code: 'INTEGRITY', problem: 'wrong-bytes' },
        { url: mirrors[1].url, code: 'DOWNLOAD_FAILED', status: 404 },
      ],
    },
  })
})

test('when every mirror serves wrong bytes, the load ends with INTEGRITY, and the next one asks again', async () => {
  const wrong: Fault[] = [{ kind: 'flip-byte', at: 5 }]
  const mirrors = await serveMirrors(wrong, wrong)
  const store = await createHarness().open({ ...settings, parallelRequests: 1 })
  await expect(load(store, mirrors)).rejects.toMatchObject({ code: 'INTEGRITY' })
  await Promise.all(mirrors.map((mirror) => mirror.misbehave()))
  expect(isSame(await load(store, mirrors), mirrors[0].bytes)).toBe(true)
})
