/** Cheap checks of a request's input, so that wrong input fails before any work: the page and the worker share them. */
import type { TaskInput, TaskName } from '../contract/index.js'
import { EdgewardError, type ErrorDetails } from '../errors/index.js'
import { checkTensor } from './check-tensor.js'
import { checkGeneration } from './check-generation.js'
import { describeValue, tagOf } from './describe-value.js'

/** The pictures that only a page can read; `prepareInput` turns them into an `ImageBitmap`. */
export const domPictures: readonly string[] = [
  'HTMLImageElement',
  'SVGImageElement',
  'HTMLVideoElement',
  'HTMLCanvasElement',
]

const workerPictures: readonly string[] = ['Blob', 'File', 'ImageData', 'ImageBitmap', 'OffscreenCanvas', 'VideoFrame']

/** An `INVALID_INPUT` error. */
export function invalidInput(message: string, details?: ErrorDetails, cause?: unknown): EdgewardError {
  return new EdgewardError('INVALID_INPUT', message, { ...(details && { details }), cause })
}

/**
 * Makes sure that `input` is what `task` takes, as far as the model does not matter.
 *
 * @throws EdgewardError `INVALID_INPUT` naming what came and what is right.
 */
export function checkInput<T extends TaskName>(task: T, input: unknown): asserts input is TaskInput<T> {
  const checks: Readonly<Record<TaskName, (input: unknown) => void>> = {
    tensors: checkTensors,
    'feature-extraction': checkTexts,
    'image-to-text': checkPicture,
    'text-generation': checkGeneration,
  }
  checks[task](input)
}

function checkTensors(input: unknown): void {
  if (typeof input !== 'object' || input === null || Array.isArray(input) || ArrayBuffer.isView(input)) {
    throw invalidInput(
      `The task "tensors" takes an object of tensors by name, { x: { dtype, shape, data } }, and was given ${describeValue(input)}.`,
    )
  }
  for (const [name, tensor] of Object.entries(input)) checkTensor(name, tensor)
}

function checkTexts(input: unknown): void {
  if (typeof input === 'string') return
  const right = 'The task "feature-extraction" takes a string or an array of strings'
  if (!Array.isArray(input)) throw invalidInput(`${right}, and was given ${describeValue(input)}.`)
  // Not findIndex over `every`: holes in an array must fail too.
  const wrong = Array.from(input).findIndex((text) => typeof text !== 'string')
  if (wrong >= 0) throw invalidInput(`${right}; its item ${wrong} is ${describeValue(input[wrong])}.`, { item: wrong })
}

function checkPicture(input: unknown): void {
  if (typeof input === 'string') {
    if (input === '') throw invalidInput('The task "image-to-text" takes a picture, and was given an empty URL.')
    return
  }
  const tag = tagOf(input)
  if (tag === 'URL' || workerPictures.includes(tag) || domPictures.includes(tag)) return
  throw invalidInput(
    'The task "image-to-text" takes a URL (a string or a URL object) or a picture ' +
      `(${[...workerPictures, ...domPictures].join(', ')}), and was given ${describeValue(input)}.`,
  )
}
