/** Reads a committed picture of text into plain pixels. */
import { readFile } from 'node:fs/promises'
import { PNG } from 'pngjs'
import type { RgbaImage } from '../../../packages/sdk/src/tasks/image-to-text/pixels.js'

/** The picture `test/fixtures/images/<name>.png`. */
export async function readPng(name: string): Promise<RgbaImage> {
  const { width, height, data } = PNG.sync.read(
    await readFile(new URL(`../../fixtures/images/${name}.png`, import.meta.url)),
  )
  return { width, height, data: new Uint8ClampedArray(data) }
}
