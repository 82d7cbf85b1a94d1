/** Cuts a line of text out of a picture, upright. */
import type { Box } from './box.js'
import { boxHeight, boxWidth } from './box.js'
import type { RgbaImage } from './pixels.js'

/** Beyond so many samples a side, more of them change nothing that a model sees. */
const maxSamples = 8

/**
 * The part of `image` inside `box`, warped to `width` × `height` pixels. Each pixel is the mean of enough bilinear
 * samples that none of the source is skipped when it shrinks; outside the picture, its border goes on (as OpenCV's
 * BORDER_REPLICATE, which PaddleOCR crops with).
 */
export function crop(image: RgbaImage, box: Box, width: number, height: number): RgbaImage {
  const [[x0, y0], topRight, , bottomLeft] = box
  const columns = Math.min(maxSamples, Math.ceil(boxWidth(box) / width))
  const rows = Math.min(maxSamples, Math.ceil(boxHeight(box) / height))
  const data = new Uint8ClampedArray(width * height * 4)
  const colour: Colour = [0, 0, 0]
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      colour.fill(0)
      for (let row = 0; row < rows; row += 1) {
        const across = (y + (row + 0.5) / rows) / height
        for (let column = 0; column < columns; column += 1) {
          const along = (x + (column + 0.5) / columns) / width
          const sourceX = x0 + along * (topRight[0] - x0) + across * (bottomLeft[0] - x0)
          const sourceY = y0 + along * (topRight[1] - y0) + across * (bottomLeft[1] - y0)
          addSample(colour, image, sourceX - 0.5, sourceY - 0.5)
        }
      }
      const target = (y * width + x) * 4
      colour.forEach((sum, channel) => (data[target + channel] = sum / (rows * columns)))
      data[target + 3] = 255
    }
  }
  return { width, height, data }
}

type Colour = [red: number, green: number, blue: number]

/** Adds the colour at (x, y), between pixel centres at whole numbers, to `colour`. */
function addSample(colour: Colour, { width, height, data }: RgbaImage, x: number, y: number): void {
  const left = Math.floor(x)
  const top = Math.floor(y)
  const right = x - left
  const down = y - top
  const x0 = clamp(left, width - 1)
  const x1 = clamp(left + 1, width - 1)
  const row0 = clamp(top, height - 1) * width
  const row1 = clamp(top + 1, height - 1) * width
  addPixel(colour, data, row0 + x0, (1 - right) * (1 - down))
  addPixel(colour, data, row0 + x1, right * (1 - down))
  addPixel(colour, data, row1 + x0, (1 - right) * down)
  addPixel(colour, data, row1 + x1, right * down)
}

function addPixel(colour: Colour, data: Uint8ClampedArray, pixel: number, weight: number): void {
  colour[0] += weight * (data[pixel * 4] ?? 0)
  colour[1] += weight * (data[pixel * 4 + 1] ?? 0)
  colour[2] += weight * (data[pixel * 4 + 2] ?? 0)
}

function clamp(value: number, max: number): number {
  return Math.max(0, Math.min(max, value))
}
