/** Pictures as plain pixels: resizing them, and laying them out as a model's input. */

/** An opaque picture: 4 bytes a pixel, red, green, blue and alpha, rows from the top. Alpha is not read. */
export interface RgbaImage {
  readonly width: number
  readonly height: number
  readonly data: Uint8ClampedArray
}

/**
 * Resizes with a triangle filter that widens as the picture shrinks, so that thin strokes are averaged and not skipped
 * (Pillow's BILINEAR; enlarging, it is plain bilinear interpolation at pixel centres).
 */
export function resize(image: RgbaImage, width: number, height: number): RgbaImage {
  if (image.width === width && image.height === height) return image
  return resampleRows(resampleRows(image, width), height)
}

/** Resamples each row to `width` pixels and returns the transposed picture: twice of it resizes both ways. */
function resampleRows(image: RgbaImage, width: number): RgbaImage {
  const source = image.data
  const data = new Uint8ClampedArray(width * image.height * 4)
  for (let x = 0; x < width; x += 1) {
    const { start, weights } = triangle(x, image.width, width)
    for (let y = 0; y < image.height; y += 1) {
      let from = (y * image.width + start) * 4
      let red = 0
      let green = 0
      let blue = 0
      for (const weight of weights) {
        red += weight * (source[from] ?? 0)
        green += weight * (source[from + 1] ?? 0)
        blue += weight * (source[from + 2] ?? 0)
        from += 4
      }
      const to = (x * image.height + y) * 4
      data[to] = red
      data[to + 1] = green
      data[to + 2] = blue
      data[to + 3] = 255
    }
  }
  return { width: image.height, height: width, data }
}

/** The source pixels that make up target pixel `x` of a row, and how much each one counts; the weights sum to 1. */
function triangle(x: number, sourceWidth: number, targetWidth: number): { start: number; weights: number[] } {
  const scale = sourceWidth / targetWidth
  const reach = Math.max(1, scale)
  const centre = (x + 0.5) * scale
  const start = Math.max(0, Math.round(centre - reach))
  const end = Math.min(sourceWidth, Math.round(centre + reach))
  const weights: number[] = []
  for (let i = start; i < end; i += 1) weights.push(Math.max(0, 1 - Math.abs(i + 0.5 - centre) / reach))
  const sum = weights.reduce((total, weight) => total + weight, 0)
  return { start, weights: weights.map((weight) => weight / sum) }
}

/** What is done to a channel's value, 0 to 255, before a model sees it: `(value / 255 − mean) / deviation`. */
export interface ChannelScale {
  readonly mean: number
  readonly deviation: number
}

/** For the channels in the model's order, which is blue, green, red: PaddleOCR reads pictures with OpenCV. */
export type BgrScales = readonly [ChannelScale, ChannelScale, ChannelScale]

/**
 * Writes `image` as item `item` of `batch`, a float32 [N, 3, height, rowLength] tensor. Rows longer than the picture
 * keep their zeros on the right.
 */
export function writePlanes(
  batch: Float32Array,
  item: number,
  rowLength: number,
  image: RgbaImage,
  scales: BgrScales,
): void {
  const { width, height, data } = image
  scales.forEach(({ mean, deviation }, plane) => {
    const channel = 2 - plane
    const start = (item * 3 + plane) * height * rowLength
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const value = data[(y * width + x) * 4 + channel] ?? 0
        batch[start + y * rowLength + x] = (value / 255 - mean) / deviation
      }
    }
  })
}
