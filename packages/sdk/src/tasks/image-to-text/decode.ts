/** Turns any picture into pixels; needs the browser's decoders, so it runs in a worker or a page. */
import type { ImageInput, Point } from '../../contract/index.js'
import { invalidInput } from '../check-input.js'
import { describeValue } from '../describe-value.js'
import type { RgbaImage } from './pixels.js'

/**
 * The longer side of the pixels that are kept, at most. Three times what the detection sees: its smallest readable
 * line, some 16 pixels high, is then 48 high, which is what the recognition takes. Bounds the pixels to 33 MB.
 */
export const maxPictureSide = 2880

/** A picture's pixels, and its size as displayed. */
export interface DecodedPicture {
  readonly image: RgbaImage
  readonly width: number
  readonly height: number
}

/**
 * Fetches and decodes a picture, upright (EXIF rotation applied), on white where it is transparent, and made smaller
 * when it is larger than {@link maxPictureSide}.
 *
 * @throws EdgewardError `INVALID_INPUT` when it cannot be fetched or decoded; `signal.reason` when the signal aborts.
 */
export async function decodePicture(input: ImageInput, signal: AbortSignal): Promise<DecodedPicture> {
  signal.throwIfAborted()
  const isUrl = typeof input === 'string' || input instanceof URL
  const bitmap = await createBitmap(isUrl ? await fetchPicture(String(input), signal) : input)
  try {
    signal.throwIfAborted()
    return { image: drawPixels(bitmap), width: bitmap.width, height: bitmap.height }
  } finally {
    bitmap.close()
  }
}

/** Moves points from the kept pixels to the displayed picture, and those beyond its border onto it. */
export function toDisplayed(picture: DecodedPicture): (point: Point) => Point {
  const [scaleX, scaleY] = [picture.width / picture.image.width, picture.height / picture.image.height]
  const clamp = (value: number, max: number) => Math.max(0, Math.min(max, value))
  return ([x, y]) => [clamp(x * scaleX, picture.width), clamp(y * scaleY, picture.height)]
}

async function fetchPicture(url: string, signal: AbortSignal): Promise<Blob> {
  // A data: URL can be as long as its picture.
  const shown = url.length > 200 ? `${url.slice(0, 200)}…` : url
  let response: Response
  try {
    response = await fetch(url, { signal })
    if (response.ok) return await response.blob()
  } catch (cause) {
    signal.throwIfAborted()
    const right = 'It must exist, and its server must allow this origin (CORS).'
    throw invalidInput(`The picture at ${shown} could not be fetched. ${right}`, { url: shown }, cause)
  }
  const { status } = response
  throw invalidInput(`The picture at ${shown} could not be fetched: status ${status}.`, { url: shown, status })
}

async function createBitmap(source: ImageBitmapSource): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(source)
  } catch (cause) {
    const kind = source instanceof Blob && source.type !== '' ? `a ${source.type} file` : describeValue(source)
    throw invalidInput(`The picture (${kind}) could not be decoded by this browser.`, undefined, cause)
  }
}

function drawPixels(bitmap: ImageBitmap): RgbaImage {
  const ratio = Math.min(1, maxPictureSide / Math.max(bitmap.width, bitmap.height))
  const [width, height] = [
    Math.max(1, Math.round(bitmap.width * ratio)),
    Math.max(1, Math.round(bitmap.height * ratio)),
  ]
  const canvas = new OffscreenCanvas(width, height)
  const context = canvas.getContext('2d', { alpha: false, willReadFrequently: true })
  if (context === null)
    throw invalidInput(`No canvas of ${width} × ${height} pixels could be had to decode the picture.`)
  // Transparent pictures are mostly dark text made for a white page.
  context.fillStyle = '#fff'
  context.fillRect(0, 0, width, height)
  context.imageSmoothingQuality = 'high'
  context.drawImage(bitmap, 0, 0, width, height)
  const { data } = context.getImageData(0, 0, width, height)
  return { width, height, data }
}
