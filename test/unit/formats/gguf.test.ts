/** A GGUF's header: read by ranges, and believed in nothing. */
import { readFileSync } from 'node:fs'
import { brotliDecompressSync } from 'node:zlib'
import { gguf } from '@huggingface/gguf'
import { describe, expect, test } from 'vitest'
import { EdgewardError } from '../../../packages/sdk/src/errors/index.js'
import { readGguf } from '../../../packages/sdk/src/formats/index.js'
import { fromRoot } from '../../../scripts/lib/root.mjs'
import { writeGguf, type GgufTestTensor } from '../../support/gguf.js'

const [q4_1, q5_K] = [3, 13]
const norm: GgufTestTensor = { name: 'norm', shape: [4], type: 0, data: new Uint8Array(16) }
const weight: GgufTestTensor = { name: 'weight', shape: [64, 3], type: q4_1, data: new Uint8Array(2 * 3 * 20) }

function open(bytes: Uint8Array, stated = bytes.length) {
  const ranges: [number, number][] = []
  const gguf = readGguf((start, end) => {
    ranges.push([start, end])
    return Promise.resolve(bytes.subarray(start, end))
  }, stated)
  return { gguf, ranges }
}

test('tells metadata and where each tensor lies in the file', async () => {
  const bytes = writeGguf(
    { 'general.architecture': 'llama', 'llama.block_count': 2, big: 5_000_000_000n, list: [1, -2], ratio: 0.5 },
    [norm, weight],
  )
  const { metadata, tensors } = await open(bytes).gguf
  expect(metadata).toMatchObject({
    'general.architecture': 'llama',
    'llama.block_count': 2,
    big: 5_000_000_000,
    list: [1, -2],
    ratio: 0.5,
  })
  const offset = bytes.length - 128
  expect(tensors.get('weight')).toEqual({ name: 'weight', type: 'Q4_1', shape: [64, 3], offset, bytes: 120 })
  expect(tensors.get('norm')).toEqual({ name: 'norm', type: 'F32', shape: [4], offset: offset - 32, bytes: 16 })
})

test('reads the beginning of a large file only, however long its header is', async () => {
  const tokens = Array.from({ length: 150_000 }, (_, index) => `token ${index}`)
  const data = new Uint8Array(8_000_000)
  const bytes = writeGguf({ tokens }, [{ name: 'w', shape: [2_000_000], type: 0, data }, norm])
  const { gguf, ranges } = open(bytes)
  expect((await gguf).metadata['tokens']).toEqual(tokens)
  const headerBytes = bytes.length - data.length
  expect(Math.max(...ranges.map(([, end]) => end))).toBeLessThanOrEqual(2 * headerBytes)
  expect(ranges.map(([start]) => start)).toEqual([0, ...ranges.map(([, end]) => end).slice(0, -1)])
})

test('reads a large vocabulary as @huggingface/gguf does', async () => {
  const file = fromRoot('test', 'fixtures', 'generation', 'tokenizer-smollm2.gguf.br')
  const bytes = Uint8Array.from(brotliDecompressSync(readFileSync(file)))
  const { metadata } = await open(bytes).gguf
  const fetchRange = (_: unknown, init?: RequestInit) => {
    const [start = 0, last = 0] = (new Headers(init?.headers).get('range')?.match(/\d+/g) ?? []).map(Number)
    return Promise.resolve(new Response(bytes.slice(start, last + 1)))
  }
  const theirs = await gguf('https://example.invalid/model.gguf', { fetch: fetchRange })
  expect({ version: 3, tensor_count: 0n, kv_count: 33n, ...metadata }).toEqual(theirs.metadata)
})

test('keeps byte order marks at the beginning of texts', async () => {
  const bytes = writeGguf({ tokens: ['\ufeffa', 'a'] }, [])
  expect((await open(bytes).gguf).metadata['tokens']).toEqual(['\ufeffa', 'a'])
})

test('what reading throws is thrown as it is', async () => {
  const reason = new DOMException('enough', 'AbortError')
  await expect(readGguf(() => Promise.reject(reason), 1000)).rejects.toBe(reason)
})

describe('refuses as damaged', () => {
  const whole = writeGguf({ a: 'text', b: 1 }, [norm, weight])

  test.for([
    ['what is no GGUF', new TextEncoder().encode('<!doctype html><p>Not found'), 'begin with'],
    ['an empty file', new Uint8Array(0), 'begin with'],
    ['a tensor behind the end', whole.slice(0, -64), 'behind the file'],
    ['an offset behind the end', writeGguf({}, [{ ...norm, offset: 2n ** 60n }]), 'behind the file'],
    ['a tensor that overlaps another', writeGguf({}, [weight, { ...norm, offset: 96n }]), 'norm overlaps weight'],
    ['a tensor that is not aligned', writeGguf({}, [weight, { ...norm, offset: 121n }]), 'not aligned'],
    ['a tensor that is there twice', writeGguf({}, [norm, norm]), 'twice'],
    ['rows of broken blocks', writeGguf({}, [{ ...weight, shape: [48, 4] }]), 'shape [48, 4]'],
    ['a shape without elements', writeGguf({}, [{ ...norm, shape: [0] }]), 'shape [0]'],
    ['a shape beyond all files', writeGguf({}, [{ ...norm, shape: [2 ** 31, 2 ** 31] }]), 'shape ['],
    ['a strange alignment', writeGguf({ 'general.alignment': 24 }, [norm]), '24 bytes'],
  ] as const)('%s', async ([, bytes, message]) => {
    await expect(open(bytes).gguf).rejects.toMatchObject({
      code: 'MANIFEST_INVALID',
      message: expect.stringContaining(message) as string,
    })
  })

  test('a header that is cut anywhere', async () => {
    const header = whole.length - 32 - 128
    for (let length = 0; length < header; length += 1) {
      await expect(open(whole.slice(0, length)).gguf, `${length} bytes`).rejects.toMatchObject({
        code: 'MANIFEST_INVALID',
      })
    }
  })

  test('counts that the file cannot hold, without reading for ever', async () => {
    for (const at of [8, 16]) {
      const bytes = Uint8Array.from(whole)
      new DataView(bytes.buffer).setBigUint64(at, 99_999n, true)
      const { gguf, ranges } = open(bytes)
      await expect(gguf).rejects.toMatchObject({ code: 'MANIFEST_INVALID' })
      expect(ranges).toHaveLength(1)
    }
  })

  test('lists in lists without end, and values of unknown types', async () => {
    for (const type of [9, 77]) {
      const bytes = writeGguf({ list: Array.from({ length: 40 }, () => 0) }, [])
      const view = new DataView(bytes.buffer)
      // Behind magic, version, counts and the key: the type of a list, then of its items, which are lists of lists.
      for (let at = 24 + 8 + 4 + 4; at + 12 < bytes.length; at += 12) {
        view.setUint32(at, type, true)
        view.setBigUint64(at + 4, 1n, true)
      }
      await expect(open(bytes).gguf).rejects.toMatchObject({ code: 'MANIFEST_INVALID' })
    }
  })

  test('metadata that is there twice', async () => {
    const bytes = writeGguf({ aa: 1, ab: 2 }, [])
    bytes[24 + 10 + 8 + 8 + 1] = 'a'.charCodeAt(0)
    await expect(open(bytes).gguf).rejects.toMatchObject({
      code: 'MANIFEST_INVALID',
      message: expect.stringContaining('aa is there twice') as string,
    })
  })

  test('lists beyond all vocabularies', async () => {
    const bytes = new Uint8Array(2 ** 23)
    bytes.set(writeGguf({ list: [1, 2] }, []))
    // Behind magic, version, counts, the key, the type of a list and that of its items.
    new DataView(bytes.buffer).setBigUint64(24 + 8 + 4 + 4 + 4, 2n ** 22n + 1n, true)
    await expect(open(bytes).gguf).rejects.toMatchObject({
      code: 'MANIFEST_INVALID',
      message: expect.stringContaining('list of 4194305') as string,
    })
  })

  test('a file that is shorter than it was said to be', async () => {
    await expect(open(whole, 5000).gguf).rejects.toMatchObject({ code: 'MANIFEST_INVALID' })
  })
})

test('a header with any byte changed is read or refused, and fails in no other way', async () => {
  const whole = writeGguf({ 'general.alignment': 32, b: [1, 2], c: ['d'], 'split.count': 1 }, [norm, weight])
  for (let at = 0; at < whole.length; at += 1) {
    for (const change of [1, 4, 0x80, 0xff]) {
      const bytes = Uint8Array.from(whole)
      bytes[at] = (bytes[at] ?? 0) ^ change
      const outcome = await open(bytes).gguf.catch((error: unknown) => error)
      if (outcome instanceof Error) expect(outcome, `byte ${at}`).toBeInstanceOf(EdgewardError)
    }
  }
})

describe('refuses as unsupported', () => {
  test('a block type, naming the tensor, the type and what can be run', async () => {
    const bytes = writeGguf({}, [norm, { ...weight, shape: [256], type: q5_K }])
    await expect(open(bytes).gguf).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
      message: expect.stringMatching(/weight.*Q5_K.*F32.*Q4_1/) as string,
      details: { tensor: 'weight', type: 'Q5_K' },
    })
  })

  test('a block type that nobody knows', async () => {
    const bytes = writeGguf({}, [{ ...norm, type: 999 }])
    await expect(open(bytes).gguf).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED', details: { type: 'number 999' } })
  })

  test('one part of many', async () => {
    await expect(open(writeGguf({ 'split.count': 3 }, [norm])).gguf).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
      message: expect.stringContaining('one of 3 parts') as string,
    })
  })

  test('other versions', async () => {
    for (const version of [0, 1, 4]) {
      const bytes = writeGguf({}, [])
      new DataView(bytes.buffer).setUint32(4, version, true)
      await expect(open(bytes).gguf).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED', details: { version } })
    }
  })

  test('big-endian files', async () => {
    const bytes = writeGguf({}, [])
    new DataView(bytes.buffer).setUint32(4, 3, false)
    await expect(open(bytes).gguf).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
      message: expect.stringContaining('big-endian') as string,
    })
  })
})
