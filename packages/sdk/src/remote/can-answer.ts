/** Which requests are worth sending to an endpoint. */
import type { TaskName } from '../contract/index.js'
import { splitModelName } from '../shared/index.js'
import type { OpenAiRemoteOptions, RemoteOptions } from './options.js'

/** Whether the endpoint's protocol has the task, and what was said of the endpoint leaves room for the model. */
export function canAnswer(options: RemoteOptions, task: TaskName, model: string): boolean {
  if (options.protocol === 'oip') return task !== 'text-generation'
  return (task === 'text-generation' || task === 'feature-extraction') && nameAtEndpoint(options, model) !== undefined
}

/**
 * What a model is called at an endpoint that speaks `openai`; undefined: it is not there.
 *
 * @param model - as callers write it: an id, with or without a revision
 */
export function nameAtEndpoint(options: OpenAiRemoteOptions, model: string): string | undefined {
  const { id } = splitModelName(model)
  const { models, model: every } = options
  if (models && Object.hasOwn(models, id)) return models[id]
  return every ?? (models ? undefined : id.replace(/^hf:/, ''))
}
