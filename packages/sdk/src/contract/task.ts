/** Tasks: what a request asks for, in Hugging Face's names, with the types of its input, options and output. */
import type { GenerationInput, GenerationOptions, GenerationOutput } from './generation.js'
import type { Manifest } from './manifest.js'
import type { TensorMap } from './tensor.js'

/** A picture: a URL (string or `URL`), or anything `createImageBitmap` takes. */
export type ImageInput = string | URL | ImageBitmapSource

/** A point in pixels of the picture as displayed (EXIF rotation applied). */
export type Point = readonly [x: number, y: number]

/** One line of text found in a picture. */
export interface TextLine {
  readonly text: string
  /** Mean probability of the line's characters, 0 to 1. */
  readonly confidence: number
  /** The line's corners: top left, top right, bottom right, bottom left, seen in reading direction. */
  readonly box: readonly [Point, Point, Point, Point]
}

/** Each task's input, options and output. */
export interface TaskTypes {
  tensors: {
    input: TensorMap
    options: {
      /** The outputs wanted; all when absent. */
      readonly outputs?: readonly string[]
    }
    output: TensorMap
  }
  'feature-extraction': {
    /** One text or several. Text beyond the model's limit is cut off. */
    input: string | readonly string[]
    options: Record<never, never>
    /** One vector for each text, in order. */
    output: readonly Float32Array[]
  }
  'image-to-text': {
    input: ImageInput
    options: Record<never, never>
    output: {
      /** The lines' texts in reading order, joined by newlines. */
      readonly text: string
      readonly lines: readonly TextLine[]
      /** The picture's size in pixels, which the boxes refer to. */
      readonly width: number
      readonly height: number
    }
  }
  'text-generation': {
    input: GenerationInput
    options: GenerationOptions
    output: GenerationOutput
  }
}

export type TaskName = keyof TaskTypes
export type TaskInput<T extends TaskName> = TaskTypes[T]['input']
export type TaskOptions<T extends TaskName> = TaskTypes[T]['options']
export type TaskOutput<T extends TaskName> = TaskTypes[T]['output']

/** What a task works with while it answers one request. */
export interface TaskContext {
  readonly manifest: Manifest
  readonly signal: AbortSignal
  /** The verified bytes of one of the manifest's assets. */
  asset(role: string): Promise<Uint8Array>
  /**
   * Runs one of the model's graphs, on the device or at an endpoint: the task cannot tell.
   * `outputs` names those wanted; all when absent.
   */
  infer(graph: string, inputs: TensorMap, outputs?: readonly string[]): Promise<TensorMap>
}

/** A task made ready for one model (tokenizer built, character list read); answers any number of requests. */
export interface LoadedTask<T extends TaskName> {
  run(input: TaskInput<T>, options: TaskOptions<T>, context: TaskContext): Promise<TaskOutput<T>>
}

/** One task: how it reads a manifest's settings and assets, and how it answers. Pure: no network, no session. */
export interface TaskDefinition<T extends TaskName> {
  readonly name: T
  /** Builds what the model's requests share. */
  load(context: Pick<TaskContext, 'manifest' | 'asset'>): Promise<LoadedTask<T>>
}

/** How requests of one task are answered by one run: their inputs become one, and its output theirs. Pure. */
export interface TaskBatching<T extends TaskName> {
  /** Requests for one model with equal kinds can be merged; undefined: this one cannot. */
  kindOf(input: TaskInput<T>, options: TaskOptions<T>): string | undefined
  /** How much of the model's batch dimension an input takes. */
  rowsOf(input: TaskInput<T>): number
  /** @param inputs - of one kind, at least one */
  merge(inputs: readonly TaskInput<T>[]): TaskInput<T>
  /** @throws EdgewardError OUTPUT_INVALID when there are not as many rows as the inputs have */
  split(output: TaskOutput<T>, inputs: readonly TaskInput<T>[]): readonly TaskOutput<T>[]
}
