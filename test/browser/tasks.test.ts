import { afterEach, describe, expect, test } from 'vitest'
import type { ImageInput } from '../../packages/sdk/src/contract/index.js'
import { decodePicture, maxPictureSide, toDisplayed } from '../../packages/sdk/src/tasks/image-to-text/decode.js'
import { prepareInput } from '../../packages/sdk/src/tasks/page.js'

const never = new AbortController().signal
const threeLines = new URL('../fixtures/images/three-lines.png', import.meta.url).href

/** Left half red, right half blue. */
function twoColours(width: number, height: number): OffscreenCanvas {
  const canvas = new OffscreenCanvas(width, height)
  const context = canvas.getContext('2d')
  if (context === null) throw new Error('no canvas')
  context.fillStyle = '#f00'
  context.fillRect(0, 0, width / 2, height)
  context.fillStyle = '#00f'
  context.fillRect(width / 2, 0, width / 2, height)
  return canvas
}

async function corners(input: ImageInput): Promise<{ left: number[]; right: number[]; size: number[] }> {
  const { image, width, height } = await decodePicture(input, never)
  const pixel = (x: number) => [...image.data.slice(x * 4, x * 4 + 4)]
  return { left: pixel(0), right: pixel(image.width - 1), size: [width, height] }
}

const red = [255, 0, 0, 255]
const blue = [0, 0, 255, 255]

describe('a picture is decoded to the same pixels', () => {
  const expected = { left: red, right: blue, size: [40, 20] }
  const canvas = twoColours(40, 20)

  test('from a Blob', async () => {
    expect(await corners(await canvas.convertToBlob())).toEqual(expected)
  })
  test('from an ImageBitmap, which stays open', async () => {
    const bitmap = await createImageBitmap(canvas)
    expect(await corners(bitmap)).toEqual(expected)
    expect(bitmap.width).toBe(40)
    bitmap.close()
  })
  test('from ImageData', async () => {
    const data = canvas.getContext('2d')?.getImageData(0, 0, 40, 20)
    expect(data && (await corners(data))).toEqual(expected)
  })
  test('from an OffscreenCanvas', async () => {
    expect(await corners(canvas)).toEqual(expected)
  })
  test('from a VideoFrame, which stays open', async () => {
    const frame = new VideoFrame(canvas, { timestamp: 0 })
    expect(await corners(frame)).toEqual(expected)
    expect(frame.codedWidth).toBe(40)
    frame.close()
  })
  test('from a URL', async () => {
    const url = URL.createObjectURL(await canvas.convertToBlob())
    expect(await corners(url)).toEqual(expected)
    expect(await corners(new URL(url))).toEqual(expected)
    URL.revokeObjectURL(url)
  })
})

describe('decoding', () => {
  test('puts transparent pictures on white', async () => {
    expect((await corners(new ImageData(2, 2))).left).toEqual([255, 255, 255, 255])
  })

  test('keeps fewer pixels of a large picture, and its size', async () => {
    const large = twoColours(maxPictureSide * 1.5, 30)
    const picture = await decodePicture(large, never)
    expect(picture).toMatchObject({
      width: maxPictureSide * 1.5,
      height: 30,
      image: { width: maxPictureSide, height: 20 },
    })
    expect(toDisplayed(picture)([maxPictureSide / 2, 10])).toEqual([(maxPictureSide * 1.5) / 2, 15])
    expect(toDisplayed(picture)([-3, 25])).toEqual([0, 30])
  })

  test('turns a photo as its EXIF orientation says', async () => {
    const jpeg = await withOrientation(await twoColours(40, 20).convertToBlob({ type: 'image/jpeg', quality: 1 }), 6)
    const { image, width, height } = await decodePicture(jpeg, never)
    // Turned clockwise by a quarter: what was left is above.
    expect([width, height]).toEqual([20, 40])
    expect(image.data[0]).toBeGreaterThan(200)
    expect(image.data[2]).toBeLessThan(60)
  })

  test('says what could not be decoded', async () => {
    const text = new Blob(['no picture'], { type: 'text/plain' })
    await expect(decodePicture(text, never)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: 'The picture (a text/plain file) could not be decoded by this browser.',
    })
  })

  test('says which address had no picture, and its status', async () => {
    const url = new URL('/@id/nothing-here.png', location.href).href
    await expect(decodePicture(url, never)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: `The picture at ${url} could not be fetched: status 404.`,
      details: { url, status: 404 },
    })
  })

  test('says which address could not be reached', async () => {
    await expect(decodePicture('http://localhost:9/a.png', never)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })

  test('ends with the reason of an abort, also while fetching', async () => {
    const controller = new AbortController()
    const decoding = decodePicture(threeLines, controller.signal)
    controller.abort()
    await expect(decoding).rejects.toBe(controller.signal.reason)
  })
})

describe('a picture on the page is made ready for the worker', () => {
  afterEach(() => document.body.replaceChildren())

  test('an <img> that is still loading becomes a bitmap that can be cloned, and is freed', async () => {
    const image = document.createElement('img')
    image.src = threeLines
    const { input, dispose } = await prepareInput('image-to-text', image)
    expect(structuredClone(input)).toMatchObject({ width: 720, height: 260 })
    dispose()
    expect((input as ImageBitmap).width).toBe(0)
  })

  test('a <canvas> and an OffscreenCanvas become bitmaps', async () => {
    const canvas = document.createElement('canvas')
    for (const picture of [canvas, twoColours(300, 150)]) {
      const { input, dispose } = await prepareInput('image-to-text', picture)
      expect(structuredClone(input)).toMatchObject({ width: 300, height: 150 })
      dispose()
    }
  })

  test('an <image> of an SVG becomes a bitmap', async () => {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
    const image = document.createElementNS('http://www.w3.org/2000/svg', 'image')
    image.setAttribute('href', threeLines)
    image.setAttribute('width', '720')
    svg.append(image)
    document.body.append(svg)
    const { input, dispose } = await prepareInput('image-to-text', image)
    expect(input).toBeInstanceOf(ImageBitmap)
    dispose()
  })

  test('a picture of another document counts like one of this', async () => {
    const frame = document.createElement('iframe')
    document.body.append(frame)
    const canvas = frame.contentDocument?.createElement('canvas')
    if (canvas === undefined) throw new Error('no document in the frame')
    expect(canvas).not.toBeInstanceOf(HTMLCanvasElement)
    const { input, dispose } = await prepareInput('image-to-text', canvas)
    expect(input).toBeInstanceOf(ImageBitmap)
    dispose()
  })

  test('what can be cloned passes as it is, and stays open', async () => {
    const bitmap = await createImageBitmap(twoColours(4, 4))
    for (const picture of [bitmap, new Blob(), new ImageData(2, 2)]) {
      const prepared = await prepareInput('image-to-text', picture)
      expect(prepared.input).toBe(picture)
      prepared.dispose()
    }
    expect(bitmap.width).toBe(4)
    bitmap.close()
  })

  test('a relative URL becomes absolute, seen from the document', async () => {
    const base = document.createElement('base')
    base.href = 'https://example.org/docs/'
    document.head.append(base)
    const { input } = await prepareInput('image-to-text', 'a.png')
    base.remove()
    expect(input).toBe('https://example.org/docs/a.png')
  })

  test.each(['img', 'canvas', 'video'] as const)('an empty <%s> is refused', async (name) => {
    const element = document.createElement(name)
    if (element instanceof HTMLCanvasElement) element.width = 0
    await expect(prepareInput('image-to-text', element)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(/^The picture in the HTML\w+ could not be read\. It must be loaded/) as string,
    })
  })

  test('another element is refused', async () => {
    const div = document.createElement('div') as unknown as ImageBitmapSource
    await expect(prepareInput('image-to-text', div)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining('and was given an HTMLDivElement') as string,
    })
  })
})

/** The JPEG with an EXIF segment that states its orientation (EXIF 2.32, tag 0x0112). */
async function withOrientation(jpeg: Blob, orientation: number): Promise<Blob> {
  const tiff = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0]
  const exif = [0x45, 0x78, 0x69, 0x66, 0, 0, ...tiff]
  const segment = new Uint8Array([0xff, 0xe1, 0, exif.length + 2, ...exif])
  // After the two bytes that start every JPEG.
  return new Blob([jpeg.slice(0, 2), segment, jpeg.slice(2)], { type: 'image/jpeg' })
}
