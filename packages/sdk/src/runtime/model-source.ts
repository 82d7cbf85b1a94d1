/** The model's source that the worker cannot do without. */
import type { EngineRequest, ModelSource } from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'

/** @throws EdgewardError MANIFEST_NOT_FOUND when the request came without a manifest */
export function sourceOf({
  model,
  task: _task,
  input: _input,
  options: _options,
  lane: _lane,
  maxQueued: _maxQueued,
  deadlineAt: _deadlineAt,
  expectedMs: _expectedMs,
  ...source
}: EngineRequest): ModelSource {
  const { manifest, manifestUrl } = source
  if (manifest !== undefined && manifestUrl !== undefined) return { ...source, manifest, manifestUrl }
  throw new EdgewardError(
    'MANIFEST_NOT_FOUND',
    `The model ${model} has no manifest, which this request cannot do without.`,
  )
}
