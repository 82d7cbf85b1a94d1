import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Manifest } from '../../../packages/sdk/src/contract/index.js'
import { loadOcrModel } from '../../../packages/sdk/src/tasks/image-to-text/index.js'
import { readPage, type OcrModel } from '../../../packages/sdk/src/tasks/image-to-text/read-page.js'
import { openLocalModel, type LocalModel } from './local-model.js'
import { readPng } from './read-png.js'

let model: LocalModel
let ocr: OcrModel
beforeAll(async () => {
  model = await openLocalModel('pp-ocrv4')
  ocr = await loadOcrModel(model)
})
afterAll(() => model.dispose())

const readLines = async (name: string) => readPage(await readPng(name), ocr, model)
const textOf = async (name: string) => (await readLines(name)).map(({ text }) => text)

describe('pp-ocrv4', () => {
  test('reads three lines of different sizes exactly', async () => {
    expect(await textOf('three-lines')).toEqual([
      'Edge models run here',
      'The quick brown fox jumps over 13 lazy dogs.',
      'Invoice no. 2026-1142, total 87.50 EUR, due in 14 days',
    ])
  })

  test('is sure of what it reads, and says where', async () => {
    const [first] = await readLines('three-lines')
    expect(first?.confidence).toBeGreaterThan(0.95)
    expect(first?.confidence).toBeLessThanOrEqual(1)
    // Where Chromium drew the first line: x from 34 to 467, letters y from 40 to 74.
    const [[left, top], , [right, bottom]] = first?.box ?? [[], [], []]
    expect(left).toBeCloseTo(34, -1)
    expect(top).toBeCloseTo(38, -1)
    expect(right).toBeCloseTo(468, -1)
    expect(bottom).toBeCloseTo(75, -1)
  })

  test('reads tilted lines in the order of the page', async () => {
    expect(await textOf('rotated-8-degrees')).toEqual(['Tilted by eight degrees', 'Left part', 'right part'])
    for (const { box } of await readLines('rotated-8-degrees')) {
      const degrees = (Math.atan2(box[1][1] - box[0][1], box[1][0] - box[0][0]) * 180) / Math.PI
      expect(degrees).toBeGreaterThan(5)
      expect(degrees).toBeLessThan(11)
    }
  })

  test('reads a line that stands on its head, and its box starts where the line does', async () => {
    expect(await textOf('upside-down-line')).toEqual(['This line stands upright', 'This line stands on its head'])
    const [, turned] = await readLines('upside-down-line')
    expect(turned?.box[0][0]).toBeGreaterThan(turned?.box[1][0] ?? 0)
  })

  test('reads a page that lies upside down in its own order', async () => {
    expect(await textOf('upside-down-page')).toEqual([
      'First line of the page',
      'Second line, a little smaller',
      'Third and last line of this page',
    ])
  })

  test('reads a line that runs from top to bottom', async () => {
    expect(await textOf('quarter-turn')).toEqual(['Runs from top to bottom'])
  })

  test('reads light text on a coloured background', async () => {
    expect(await textOf('coloured-background')).toEqual(['Summer Market', 'Saturday 9:00 to 17:00'])
  })

  test('finds nothing on an empty page, and runs no other graph for it', async () => {
    const before = model.calls.length
    expect(await readLines('empty')).toEqual([])
    expect(model.calls.slice(before).map(({ graph }) => graph)).toEqual(['detection'])
  })

  test('reads upright lines without its classification', async () => {
    const lines = await readPage(await readPng('three-lines'), { ...ocr, classification: undefined }, model)
    expect(lines[0]?.text).toBe('Edge models run here')
  })

  test('stops between graphs once the request is aborted', async () => {
    const controller = new AbortController()
    const graphs: string[] = []
    const aborting: LocalModel = {
      ...model,
      signal: controller.signal,
      infer(graph, ...rest) {
        graphs.push(graph)
        controller.abort()
        return model.infer(graph, ...rest)
      },
    }
    const run = readPage(await readPng('three-lines'), ocr, aborting)
    await expect(run).rejects.toBe(controller.signal.reason)
    expect(graphs).toEqual(['detection'])
  })
})

describe('the manifest of an OCR model', () => {
  test('gives the blank, the characters of its file as they are, and the space', () => {
    expect(ocr.characters).toHaveLength(6625)
    expect(ocr.characters[0]).toBe('')
    expect(ocr.characters).toContain('\u3000')
    expect(ocr.characters.at(-1)).toBe(' ')
  })

  test('is refused when the characters are not the classes', async () => {
    const short = { ...model, asset: () => Promise.resolve(new TextEncoder().encode('a\nb\n')) }
    await expect(loadOcrModel(short)).rejects.toMatchObject({
      code: 'MANIFEST_INVALID',
      message: expect.stringContaining('has 2 characters, but its recognition tells 6625 classes') as string,
    })
  })

  test('is refused without a recognition', async () => {
    const [variant] = model.manifest.variants
    const { detection } = variant.graphs
    const manifest = { ...model.manifest, variants: [{ ...variant, graphs: { detection } }] } as unknown as Manifest
    await expect(loadOcrModel({ ...model, manifest })).rejects.toMatchObject({
      code: 'MANIFEST_INVALID',
      message: expect.stringContaining('has no graph "recognition"') as string,
    })
  })
})
