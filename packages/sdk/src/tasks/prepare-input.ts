/** Makes a request's input ready to be cloned into the worker; runs on the page. */
import type { TaskInput, TaskName } from '../contract/index.js'
import { checkInput, domPictures, invalidInput } from './check-input.js'
import { tagOf } from './describe-value.js'

/** An input that structured cloning takes, and what it holds until the request has ended. */
export interface PreparedInput<T extends TaskName> {
  readonly input: TaskInput<T>
  /** Frees the bitmap that was made for this request, if one was. What the caller handed in stays the caller's. */
  dispose(): void
}

/**
 * Checks `input` and makes it cloneable: a picture that only the page can read becomes an `ImageBitmap`, a relative URL
 * an absolute one. Everything else passes as it is.
 *
 * @throws EdgewardError `INVALID_INPUT` when the task does not take it, or the picture cannot be read.
 */
export async function prepareInput<T extends TaskName>(task: T, input: TaskInput<T>): Promise<PreparedInput<T>> {
  checkInput(task, input)
  if (task !== 'image-to-text') return { input, dispose: nothing }
  const picture: unknown = input
  if (typeof picture === 'string' || tagOf(picture) === 'URL') {
    return { input: absoluteUrl(String(picture)), dispose: nothing }
  }
  if (!domPictures.includes(tagOf(picture)) && tagOf(picture) !== 'OffscreenCanvas') return { input, dispose: nothing }
  const bitmap = await readPicture(picture as ImageBitmapSource) // Its tag is one of those.
  return { input: bitmap, dispose: () => bitmap.close() }
}

async function readPicture(picture: ImageBitmapSource): Promise<ImageBitmap> {
  try {
    // An <img> that is still loading has no pixels yet.
    if ('decode' in picture) await picture.decode()
    return assertReadable(await createImageBitmap(picture))
  } catch (cause) {
    const right = 'It must be loaded, have a size, and come from this origin or with CORS.'
    throw invalidInput(`The picture in the ${tagOf(picture)} could not be read. ${right}`, undefined, cause)
  }
}

/** Throws for a picture of another origin: it can be drawn here, but neither be read nor sent to the worker. */
function assertReadable(bitmap: ImageBitmap): ImageBitmap {
  const context = new OffscreenCanvas(1, 1).getContext('2d')
  context?.drawImage(bitmap, 0, 0)
  try {
    context?.getImageData(0, 0, 1, 1)
    return bitmap
  } catch (error) {
    bitmap.close()
    throw error
  }
}

function absoluteUrl(url: string): string {
  const base = pageAddress()
  try {
    return new URL(url, base).href
  } catch (cause) {
    const right = base === undefined ? 'Here it must be absolute.' : `It was read relative to ${base}.`
    throw invalidInput(`"${url}" is not the URL of a picture. ${right}`, { url }, cause)
  }
}

/** What relative URLs are relative to; nothing in Node. */
function pageAddress(): string | undefined {
  if (typeof document !== 'undefined') return document.baseURI
  return typeof location === 'undefined' ? undefined : location.href
}

function nothing(): void {
  // Nothing was made, so there is nothing to free.
}
