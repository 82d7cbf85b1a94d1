/** Pins that are gone on with on another day, when the server's file may be another one. */
import { expect, test } from 'vitest'
import { randomBytes, serveFile, sha256 } from './support/file-server-client.js'
import { chunkBytes, createHarness } from './support/weights-harness.js'
import { serveOneFileModel } from './support/weights-models.js'

test.each([
  ['is gone on with when it is the same', '"old"', 1],
  // One tells that it has changed, three bring it.
  ['is begun anew when it has changed', '"new"', 4],
])('a file without digests whose download broke off %s', async (_, etag, requests) => {
  const harness = createHarness()
  const { source } = await serveOneFileModel('a', new Uint8Array(0))
  const served = await serveFile(randomBytes(3 * chunkBytes), chunkBytes)
  const file = { ...served.file, sha256: '', chunks: ['', '', ''] }
  const graphs = { model: { file, inputs: [], outputs: [] } }
  const [variant] = source.manifest.variants
  const unpinned = {
    manifest: { ...source.manifest, variants: [{ ...variant, graphs }] as const },
    manifestUrl: served.url,
  }
  const visit = async () => {
    const store = await harness.open({ parallelRequests: 1 })
    const { signal } = new AbortController()
    const readSignature = () => ({ inputs: [], outputs: [] })
    const pinning = store.pin(unpinned, 'fp32', { signal, listener: {}, readSignature })
    return pinning.finally(() => store.close())
  }
  await served.misbehave({ kind: 'validator', etag: '"old"' }, { kind: 'status', status: 404, skip: 2 })
  await expect(visit()).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' })
  const now = etag === '"old"' ? served.bytes : randomBytes(3 * chunkBytes)
  await fetch(served.url, { method: 'PUT', body: now })
  await served.misbehave({ kind: 'validator', etag })
  const { pins } = await visit()
  expect(pins.get(file.path)?.sha256).toBe(await sha256(now))
  expect(await served.requests()).toHaveLength(requests)
})
