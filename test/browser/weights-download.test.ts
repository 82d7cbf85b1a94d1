/** Weights over the network: what comes is verified, and a server that misbehaves leads to the right bytes or a clear error. */
import { describe, expect, test } from 'vitest'
import type { Fault } from './support/faults.js'
import { serveFile, serveRandomFile } from './support/file-server-client.js'
import {
  blockChunks,
  chunkBytes,
  createHarness,
  isSame,
  startLoad,
  storedDigests,
  visit,
} from './support/weights-harness.js'

const sixChunks = 5.5 * chunkBytes
/** Waits between tries that no test has to wait for. */
const soon = { retryBaseMs: 1 }

describe('a file', () => {
  test.each([0, 1, chunkBytes - 1, chunkBytes, 2.5 * chunkBytes, 9 * chunkBytes])(
    'of %i bytes comes whole, in one buffer of its own, and without a request the second time',
    async (length) => {
      const harness = createHarness()
      const served = await serveRandomFile(length, chunkBytes)
      const store = await harness.open()
      const first = startLoad(store, served)
      const bytes = await first.result
      expect(isSame(bytes, served.bytes)).toBe(true)
      expect(bytes.buffer.byteLength).toBe(length)
      expect(structuredClone(bytes, { transfer: [bytes.buffer] })).toHaveLength(length)
      expect(first.came).toEqual({ cache: 0, network: length })
      await store.close()
      expect(await served.requests()).toHaveLength(Math.ceil(length / chunkBytes))

      await served.misbehave({ kind: 'status', status: 500 })
      expect(await visit(harness, served)).toMatchObject({ came: { cache: length, network: 0 }, notStored: [] })
      expect(await served.requests()).toHaveLength(0)
    },
  )

  test('comes by four requests at once when the first answer has shown that ranges are served', async () => {
    const served = await serveRandomFile(9 * chunkBytes, chunkBytes)
    await served.misbehave({ kind: 'gather', count: 4, skip: 1 })
    await visit(createHarness(), served)
    expect(await served.requests()).toHaveLength(9)
  })

  test('comes by six requests at once when each more was measured to bring more', async () => {
    const served = await serveRandomFile(106 * chunkBytes, chunkBytes)
    // Every connection is as slow as the others, until the last answers: those wait until six are asked for. The windows
    // are so long that what a busy machine loses in one of them is little beside what another connection brings.
    await served.misbehave(
      { kind: 'drip', pieces: 8, everyMs: 20, times: 100 },
      { kind: 'gather', count: 6, skip: 100, times: 6 },
    )
    const store = await createHarness().open({ throughputWindowMs: 1_500, stallMs: 5_000, maxTries: 1 })
    const { result } = startLoad(store, served)
    expect(isSame(await result, served.bytes)).toBe(true)
  })

  test('is asked for by four requests at once at most in the beginning', async () => {
    const served = await serveRandomFile(9 * chunkBytes, chunkBytes)
    await served.misbehave({ kind: 'silence', skip: 1 })
    const controller = new AbortController()
    const { result } = startLoad(await createHarness().open(), served, controller.signal)
    await expect.poll(async () => (await served.requests()).length).toBe(1 + 4)
    controller.abort()
    await expect(result).rejects.toBe(controller.signal.reason)
    expect(await served.requests()).toHaveLength(1 + 4)
  })

  test('shares chunks with other files: what one has brought, the other does not fetch', async () => {
    const harness = createHarness()
    const old = await serveRandomFile(3 * chunkBytes, chunkBytes)
    await visit(harness, old)
    const changed = old.bytes.slice()
    changed[chunkBytes] = 255 - (changed[chunkBytes] ?? 0)
    const updated = await serveFile(changed, chunkBytes)
    expect((await visit(harness, updated)).came).toEqual({ cache: 2 * chunkBytes, network: chunkBytes })
    expect(await updated.requests()).toMatchObject([{ range: `bytes=${chunkBytes}-${2 * chunkBytes - 1}` }])
  })
})

describe('a server that', () => {
  test.each<[string, Fault[], number]>([
    ['ignores Range serves everything with one answer', [{ kind: 'ignore-range' }], 1],
    ['begins to ignore Range in the middle serves the rest with whole answers', [{ kind: 'ignore-range', skip: 5 }], 6],
    ['redirects is followed', [{ kind: 'redirect' }], 12],
    ['hides its headers from other origins is judged by length and digest', [{ kind: 'hide-headers' }], 6],
    ['sends a wrong byte once is asked once more for that chunk', [{ kind: 'flip-byte', at: 5, times: 1 }], 7],
    [
      'ignores Range and sends a wrong byte once',
      [{ kind: 'ignore-range' }, { kind: 'flip-byte', at: 99_999, times: 1 }],
      2,
    ],
  ])('%s', async (_, faults, requests) => {
    const harness = createHarness()
    const served = await serveRandomFile(sixChunks, chunkBytes)
    await served.misbehave(...faults)
    expect((await visit(harness, served)).came).toEqual({ cache: 0, network: sixChunks })
    expect(await served.requests()).toHaveLength(requests)
    expect((await visit(harness, served)).came).toEqual({ cache: sixChunks, network: 0 })
  })

  test('compresses a file of one chunk is asked without Range, and understood', async () => {
    const served = await serveRandomFile(chunkBytes, chunkBytes)
    await served.misbehave({ kind: 'gzip' })
    await visit(createHarness(), served)
    expect(await served.requests()).toMatchObject([{ range: null, status: 200 }])
  })

  test.each<[string, Fault[], number]>([
    ['cuts the connection', [{ kind: 'cut', afterBytes: 9, times: 1 }], 7],
    ['cuts every connection, but gets on', [{ kind: 'cut', afterBytes: 40_000, skip: 1, times: 6 }], 9],
    ['cuts the whole file', [{ kind: 'ignore-range' }, { kind: 'cut', afterBytes: 150_000, times: 1 }], 2],
    ['accepts and says nothing', [{ kind: 'silence', times: 2 }], 8],
    ['stops in mid-body', [{ kind: 'stall', afterBytes: 9, skip: 2, times: 1 }], 7],
    ['is overloaded', [{ kind: 'status', status: 503, times: 3 }], 9],
    ['limits the rate', [{ kind: 'status', status: 429, retryAfter: '0', skip: 2, times: 1 }], 7],
    ['sends less than the range', [{ kind: 'short-body', missing: 7, times: 1 }], 7],
  ])('%s for a while is asked again, for what is missing only', async (_, faults, leastRequests) => {
    const harness = createHarness()
    const served = await serveRandomFile(sixChunks, chunkBytes)
    await served.misbehave(...faults)
    const store = await harness.open({ stallMs: 300, ...soon })
    const { result, came } = startLoad(store, served)
    expect(isSame(await result, served.bytes)).toBe(true)
    expect(came).toEqual({ cache: 0, network: sixChunks })
    expect((await served.requests()).length).toBeGreaterThanOrEqual(leastRequests)
    await store.close()
    expect((await visit(harness, served)).came).toEqual({ cache: sixChunks, network: 0 })
  })

  test('is asked for ranges without a preflight, which If-Range would cost', async () => {
    const served = await serveRandomFile(sixChunks, chunkBytes)
    await served.misbehave({ kind: 'validator', etag: '"a"' }, { kind: 'cut', afterBytes: 9_000, times: 1 })
    await visit(createHarness(), served)
    expect(await served.preflights()).toBe(0)
    const conditional = { Range: 'bytes=0-9', 'If-Range': '"a"' }
    await (await fetch(served.url, { headers: conditional })).arrayBuffer()
    expect(await served.preflights()).toBe(1)
  })

  test.each([
    ['by its ETag', { etag: '"old"' }, { etag: '"new"' }],
    [
      'by its date',
      { lastModified: 'Mon, 01 Jan 2024 00:00:00 GMT' },
      { lastModified: 'Tue, 02 Jan 2024 00:00:00 GMT' },
    ],
  ])('changes the file in mid-chunk (seen %s) is asked for that chunk from its beginning', async (_, before, after) => {
    const served = await serveRandomFile(3 * chunkBytes, chunkBytes)
    await served.misbehave(
      { kind: 'stall', afterBytes: 30_000, times: 1 },
      { kind: 'validator', ...after },
      { kind: 'validator', ...before, times: 1 },
    )
    const store = await createHarness().open({ ...soon, parallelRequests: 1, stallMs: 300 })
    const { result } = startLoad(store, served)
    expect(isSame(await result, served.bytes)).toBe(true)
    const ranges = (await served.requests()).map(({ range }) => range)
    expect(ranges.slice(0, 3)).toEqual(['bytes=0-65535', 'bytes=30000-65535', 'bytes=0-65535'])
  })

  test('changes the file to another one for good ends the load with INTEGRITY, saying that it changed', async () => {
    const harness = createHarness()
    const served = await serveRandomFile(3 * chunkBytes, chunkBytes)
    await served.misbehave(
      { kind: 'flip-byte', at: 2 * chunkBytes },
      { kind: 'validator', etag: '"new"' },
      { kind: 'validator', etag: '"old"', times: 1 },
    )
    const store = await harness.open()
    const { result } = startLoad(store, served)
    await expect(result).rejects.toMatchObject({
      code: 'INTEGRITY',
      message: expect.stringContaining('the file changed on the server while it was downloaded') as string,
    })
    await store.close()
    // What was right before stays right.
    await served.misbehave()
    expect((await visit(harness, served)).came.cache).toBeGreaterThan(0)
  })

  test.each<[string, Fault[], RegExp]>([
    ['does not have the file', [{ kind: 'status', status: 404 }], /expected status 206.*got status 404/],
    ['is overloaded', [{ kind: 'status', status: 503, skip: 2 }], /expected status 206.*got status 503/],
    ['sends a page instead', [{ kind: 'html' }], /expected the file, not a page; got status 200.*text\/html/],
    [
      'sends less than the range',
      [{ kind: 'short-body', missing: 7 }],
      /the body ended after 0 bytes, expected 7;.*tried 4 times/,
    ],
    [
      'sends less and hides it',
      [{ kind: 'short-body', missing: 7 }, { kind: 'hide-headers' }],
      /the body ended after 0 bytes, expected 7;.*tried 4 times/,
    ],
    [
      'sends more and hides it',
      [{ kind: 'long-body', extra: 1 }, { kind: 'hide-headers' }],
      /more than the 65536 bytes/,
    ],
    [
      'sends less than the whole file',
      [{ kind: 'ignore-range' }, { kind: 'short-body', missing: 7 }],
      /ended after 360441 bytes, expected 360448/,
    ],
    [
      'sends another range',
      [{ kind: 'wrong-content-range' }],
      /expected Content-Range: bytes 0-65535\/360448; got .*bytes 1-65536/,
    ],
    [
      'compresses though asked not to',
      [{ kind: 'ignore-range' }, { kind: 'gzip' }],
      /does it send ranges uncompressed/,
    ],
    ['cuts the connection', [{ kind: 'cut', afterBytes: 9 }], /broke off after 9 bytes|could not be fetched/],
    ['accepts and says nothing', [{ kind: 'silence' }], /no byte came for 300 ms, after 0 bytes/],
    ['stops in mid-body', [{ kind: 'stall', afterBytes: 9 }], /no byte came for 300 ms, after 9 bytes/],
  ])('%s ends the load with DOWNLOAD_FAILED, saying what came and what was expected', async (_, faults, message) => {
    const harness = createHarness()
    const served = await serveRandomFile(sixChunks, chunkBytes)
    await served.misbehave(...faults)
    const store = await harness.open({ stallMs: 300, ...soon })
    const { result } = startLoad(store, served)
    await expect(result).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringMatching(message) as string,
      details: { url: served.url },
    })
    await expect(result).rejects.toThrow(served.url)
    await store.close()

    await served.misbehave()
    const { came } = await visit(harness, served)
    expect(came.cache + came.network).toBe(sixChunks)
  })

  test('is slow, but never silent for long, is waited for', async () => {
    const served = await serveRandomFile(chunkBytes, chunkBytes)
    const [pieces, everyMs, stallMs] = [8, 250, 1000]
    await served.misbehave({ kind: 'drip', pieces, everyMs })
    const { result } = startLoad(await createHarness().open({ stallMs }), served)
    expect(isSame(await result, served.bytes)).toBe(true)
  })

  test('is slow is waited for also by a request that waits for the six that a browser sends at once', async () => {
    const files = await Promise.all(Array.from({ length: 7 }, () => serveRandomFile(chunkBytes, chunkBytes)))
    // Six take twice the time that a server may say nothing; the seventh hears nothing of its own until one has ended.
    await Promise.all(files.map((served) => served.misbehave({ kind: 'drip', pieces: 8, everyMs: 500 })))
    const store = await createHarness().open({ stallMs: 2_000, maxTries: 1 })
    const loaded = await Promise.all(files.map((served) => startLoad(store, served).result))
    expect(loaded.map((bytes, index) => isSame(bytes, files[index]?.bytes ?? new Uint8Array()))).toEqual(
      files.map(() => true),
    )
  })

  test('says nothing to anybody ends the load of all who ask', async () => {
    const files = await Promise.all(Array.from({ length: 7 }, () => serveRandomFile(chunkBytes, chunkBytes)))
    await Promise.all(files.map((served) => served.misbehave({ kind: 'silence' })))
    const store = await createHarness().open({ stallMs: 300, maxTries: 1 })
    const loads = await Promise.allSettled(files.map((served) => startLoad(store, served).result))
    expect(loads).toMatchObject(files.map(() => ({ reason: { details: { problem: 'stalled' } } })))
  })

  test('answers with an error leaves its status in the details', async () => {
    const served = await serveRandomFile(sixChunks, chunkBytes)
    await served.misbehave({ kind: 'status', status: 503 })
    const { result } = startLoad(await createHarness().open(), served)
    await expect(result).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      details: { status: 503, file: 'weights.bin' },
    })
  })

  test('fails for one chunk is left alone from then on: the other requests of the load end too', async () => {
    const served = await serveRandomFile(9 * chunkBytes, chunkBytes)
    await served.misbehave(
      { kind: 'stall', afterBytes: 9, skip: 1, times: 3 },
      { kind: 'status', status: 404, skip: 4 },
    )
    const { result } = startLoad(await createHarness().open(), served)
    await expect(result).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED', details: { status: 404 } })
    await expect
      .poll(async () => (await served.requests()).map((request) => request.abandoned))
      .toEqual([false, true, true, true, false])
  })

  test('is not there ends the load with DOWNLOAD_FAILED', async () => {
    const served = await serveRandomFile(sixChunks, chunkBytes)
    const { result } = startLoad(await createHarness().open(), { ...served, url: 'http://127.0.0.1:1/weights.bin' })
    await expect(result).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' })
  })

  test.each<[string, Fault[], number]>([
    ['by ranges', [], 1],
    ['by whole answers', [{ kind: 'ignore-range' }], 1],
  ])(
    'sends wrong bytes always (%s) ends the load with INTEGRITY, and nothing wrong is stored',
    async (_, faults, chunk) => {
      const harness = createHarness()
      const served = await serveRandomFile(sixChunks, chunkBytes)
      await served.misbehave(...faults, { kind: 'flip-byte', at: chunkBytes })
      const store = await harness.open()
      const { result } = startLoad(store, served)
      const expected = served.file.chunks[chunk]
      await expect(result).rejects.toMatchObject({
        code: 'INTEGRITY',
        message: expect.stringContaining(`chunk ${chunk} of weights.bin`) as string,
        details: {
          url: served.url,
          file: 'weights.bin',
          chunk,
          expected,
          found: expect.not.stringMatching(String(expected)) as string,
        },
      })
      await store.close()
      const { keys, digests } = await storedDigests(harness.databaseName)
      expect(digests).toEqual(keys)
      expect(keys).not.toContain(expected)

      await served.misbehave()
      await visit(harness, served)
    },
  )

  test('once let the browser cache wrong bytes does no harm', async () => {
    const served = await serveRandomFile(chunkBytes, chunkBytes)
    await served.misbehave({ kind: 'flip-byte', at: 0, times: 1 }, { kind: 'cacheable' })
    await (await fetch(served.url)).arrayBuffer()
    const fromHttpCache = new Uint8Array(await (await fetch(served.url, { cache: 'force-cache' })).arrayBuffer())
    expect(isSame(fromHttpCache, served.bytes)).toBe(false)
    await visit(createHarness(), served)
    expect(await served.requests()).toHaveLength(2)
  })
})

describe('an abort', () => {
  test('rejects at once with the reason, ends the requests, and keeps the chunks that were verified', async () => {
    const harness = createHarness()
    const served = await serveRandomFile(6 * chunkBytes, chunkBytes)
    await served.misbehave({ kind: 'stall', afterBytes: 9, skip: 3 })
    const store = await harness.open()
    const controller = new AbortController()
    const { result, came } = startLoad(store, served, controller.signal)
    // The bytes of the chunks that come no further are counted too.
    await expect.poll(() => came.network).toBe(3 * chunkBytes + 3 * 9)
    await expect.poll(async () => (await storedDigests(harness.databaseName)).keys.length).toBe(3)
    const reason = new Error('the user went elsewhere')
    controller.abort(reason)
    await expect(result).rejects.toBe(reason)
    await expect
      .poll(async () => (await served.requests()).map((request) => request.abandoned))
      .toEqual([false, false, false, true, true, true])
    await store.close()

    await served.misbehave()
    expect((await visit(harness, served)).came).toEqual({ cache: 3 * chunkBytes, network: 3 * chunkBytes })
    expect(await served.requests()).toHaveLength(3)
  })

  test('does not wait for a database that hangs', async () => {
    const harness = createHarness()
    const served = await serveRandomFile(chunkBytes, chunkBytes)
    const store = await harness.open()
    const release = await blockChunks(harness.databaseName)
    const controller = new AbortController()
    const { result } = startLoad(store, served, controller.signal)
    controller.abort()
    await expect(result).rejects.toBe(controller.signal.reason)
    release()
  })

  test('does not wait for the time at which a busy server wants to be asked again', async () => {
    const served = await serveRandomFile(chunkBytes, chunkBytes)
    await served.misbehave({ kind: 'status', status: 429, retryAfter: '20' })
    const controller = new AbortController()
    const { result } = startLoad(await createHarness().open(), served, controller.signal)
    await expect.poll(async () => (await served.requests()).length).toBe(1)
    controller.abort()
    await expect(result).rejects.toBe(controller.signal.reason)
    expect(await served.requests()).toHaveLength(1)
  })

  test('before the load starts sends nothing', async () => {
    const served = await serveRandomFile(chunkBytes, chunkBytes)
    const reason = new Error('too late')
    const { result } = startLoad(await createHarness().open(), served, AbortSignal.abort(reason))
    await expect(result).rejects.toBe(reason)
    expect(await served.requests()).toHaveLength(0)
  })

  test('of one load leaves another one of the same file alone', async () => {
    const served = await serveRandomFile(2 * chunkBytes, chunkBytes)
    await served.misbehave({ kind: 'silence', times: 1 })
    const store = await createHarness().open()
    const controller = new AbortController()
    const first = startLoad(store, served, controller.signal)
    await expect.poll(async () => (await served.requests()).length).toBe(1)
    const second = startLoad(store, served)
    controller.abort()
    await expect(first.result).rejects.toMatchObject({ name: 'AbortError' })
    expect(isSame(await second.result, served.bytes)).toBe(true)
  })
})
