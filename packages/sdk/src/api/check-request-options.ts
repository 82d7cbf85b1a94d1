/** Checks the options that come with a request. */
import type { DownloadOptions, Lane, TaskName, TaskOptions } from '../contract/index.js'
import { describe, invalid, oneOf, refuseUnknown, type Keys } from './check-values.js'
import type { PrepareOptions, RequestOptions } from './options.js'

const requestKeys: Keys<RequestOptions> = { signal: true, policy: true, lane: true }
const prepareKeys: Keys<PrepareOptions> = { ...requestKeys, onProgress: true }
const downloadKeys: Keys<DownloadOptions> = { signal: true, onProgress: true }

/** The options that a task has of its own. */
const taskKeys: { readonly [T in TaskName]: Readonly<Record<string, true>> } = {
  tensors: { outputs: true },
  'feature-extraction': {},
  'image-to-text': {},
  'text-generation': {
    maxTokens: true,
    temperature: true,
    topK: true,
    topP: true,
    minP: true,
    repetitionPenalty: true,
    presencePenalty: true,
    frequencyPenalty: true,
    logitBias: true,
    seed: true,
    n: true,
    logprobs: true,
    topLogprobs: true,
    stop: true,
    responseFormat: true,
    toolChoice: true,
    contextOverflow: true,
    promptLookup: true,
    onSeam: true,
  } satisfies Keys<TaskOptions<'text-generation'>>,
}

const lanes: readonly string[] = ['interactive', 'default', 'background'] satisfies Lane[]

/** Checks what came with a request of a task. @throws EdgewardError INVALID_OPTION */
export function checkPipelineOptions(task: TaskName, options: RequestOptions): void {
  checkOptions(`a request of ${task}`, options, { ...requestKeys, ...taskKeys[task] })
}

/** @throws EdgewardError INVALID_OPTION */
export function checkExplainOptions(options: RequestOptions): void {
  checkOptions('explain', options, requestKeys)
}

/** @throws EdgewardError INVALID_OPTION */
export function checkPrepareOptions(options: PrepareOptions): void {
  checkProgressOptions('prepare', options, prepareKeys)
}

/** @throws EdgewardError INVALID_OPTION */
export function checkDownloadOptions(options: DownloadOptions): void {
  checkProgressOptions('download', options, downloadKeys)
}

function checkProgressOptions(where: string, options: DownloadOptions, known: Readonly<Record<string, true>>): void {
  checkOptions(where, options, known)
  const { onProgress } = options as { onProgress?: unknown }
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw invalid('onProgress', `is ${describe(onProgress)}`, 'a function')
  }
}

function checkOptions(where: string, options: RequestOptions, known: Readonly<Record<string, true>>): void {
  refuseUnknown(where, options, known)
  const { signal } = options as { signal?: unknown }
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw invalid('signal', `is ${describe(signal)}`, 'an AbortSignal')
  if (options.lane !== undefined) oneOf('lane', options.lane, lanes)
}
