/** Says how much work a request is, for the cost model; see `PlanRequestSize`. It runs for every request: no allocation. */
import type { PlanRequestSize, TaskInput, TaskName, TensorMap } from '../contract/index.js'

/** A text has about four characters for each token (in English, as OpenAI's tokenizers count). */
const charactersPerToken = 4
/** What a picture counts whose size is not known before it is decoded: a URL, a Blob. */
const unknownMegapixels = 1
/** No request is no work: the smallest that any task reports, a thousandth of its unit. */
const smallest = 0.001

/** The size of a request, at least a thousandth. The input has passed `checkInput`. */
export function unitsOf<T extends TaskName>(task: T, input: TaskInput<T>): PlanRequestSize {
  const units = sizes[task](input)
  return units > smallest ? units : smallest // NaN compares as false.
}

/** The properties that tell the size of a picture in pixels: of elements, of a `VideoFrame`, of everything else. */
interface Sized {
  readonly width?: unknown
  readonly height?: unknown
  readonly naturalWidth?: number
  readonly naturalHeight?: number
  readonly videoWidth?: number
  readonly videoHeight?: number
  readonly displayWidth?: number
  readonly displayHeight?: number
}

const sizes: { readonly [T in TaskName]: (input: TaskInput<T>) => number } = {
  'feature-extraction': (texts) => {
    if (typeof texts === 'string') return tokensOf(texts)
    let tokens = 0
    for (const text of texts) tokens += tokensOf(text)
    return tokens
  },
  'image-to-text': (picture) => {
    if (typeof picture !== 'object') return unknownMegapixels
    const sized = picture as Sized
    const width = sized.naturalWidth ?? sized.videoWidth ?? sized.displayWidth ?? sized.width
    const height = sized.naturalHeight ?? sized.videoHeight ?? sized.displayHeight ?? sized.height
    return typeof width === 'number' && typeof height === 'number' ? (width * height) / 1e6 : unknownMegapixels
  },
  'text-generation': (input) => {
    if ('messages' in input) return input.messages.reduce((tokens, { content }) => tokens + tokensOf(content), 0)
    return typeof input.prompt === 'string' ? tokensOf(input.prompt) : input.prompt.length
  },
  tensors: (tensors) => elementsOf(tensors) / 1e3,
}

function tokensOf(text: string): number {
  return Math.max(1, text.length / charactersPerToken)
}

function elementsOf(tensors: TensorMap): number {
  let elements = 0
  for (const name in tensors) elements += tensors[name]?.data.length ?? 0
  return elements
}
