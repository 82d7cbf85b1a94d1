/** A task that throws fails its own request, and says where. */
import { describe, expect, it } from 'vitest'
import type { LoadedTask, TaskName } from '../../../packages/sdk/src/contract/index.js'
import { EdgewardError } from '../../../packages/sdk/src/errors/index.js'
import { neverAborted } from '../../../packages/sdk/src/shared/index.js'
import { runTask } from '../../../packages/sdk/src/worker/run-task.js'
import type { WorkerModel } from '../../../packages/sdk/src/worker/worker-model.js'
import { everywhere } from '../router/inputs.js'

const payload = { model: 'model@1', task: 'tensors', input: {}, options: {} } as const

/** Runs a task that works as it is told, on graphs that answer so. */
function runs(run: LoadedTask<TaskName>['run'], infer = () => Promise.resolve({}), signal = neverAborted()) {
  const model = { manifest: everywhere, task: () => Promise.resolve({ run }) }
  return runTask(model as unknown as WorkerModel, payload, infer, signal) // All that is asked of the model.
}

const broken = new TypeError('undefined is not a function')

describe('a task that throws', () => {
  it('before its first run fails in pre-processing', async () => {
    await expect(runs(() => Promise.reject(broken))).rejects.toMatchObject({
      code: 'INTERNAL',
      message: 'The pre-processing of the task tensors failed: undefined is not a function',
      details: { task: 'tensors', phase: 'pre-processing' },
      cause: broken,
    })
  })

  it('after a run fails in post-processing', async () => {
    const failing = runs(async (_input, _options, { infer }) => {
      await infer('model', {})
      throw broken
    })
    await expect(failing).rejects.toMatchObject({ code: 'INTERNAL', details: { phase: 'post-processing' } })
  })

  it('for want of memory says so, and leaves the runtime trusted', async () => {
    const failing = runs(() => Promise.reject(new RangeError('Array buffer allocation failed')))
    const error: unknown = await failing.catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'OUT_OF_MEMORY', details: { phase: 'pre-processing' } })
    expect((error as EdgewardError).details).not.toHaveProperty('untrusted')
  })
})

describe('what is not the fault of the task goes on as it is', () => {
  it.each([
    ['a graph that failed', new EdgewardError('GPU_LOST', 'gone')],
    ['what an endpoint threw', new DOMException('aborted', 'AbortError')],
  ])('%s', async (_what, reason) => {
    const failing = runs(
      async (_input, _options, { infer }) => infer('model', {}),
      () => Promise.reject(reason),
    )
    await expect(failing).rejects.toBe(reason)
  })

  it('an abort', async () => {
    const controller = new AbortController()
    const failing = runs(
      () => {
        controller.abort('gone')
        return Promise.reject(broken)
      },
      undefined,
      controller.signal,
    )
    await expect(failing).rejects.toBe(broken)
  })

  it('an error of Edgeward, such as wrong input', async () => {
    const invalid = new EdgewardError('INVALID_INPUT', 'no')
    await expect(runs(() => Promise.reject(invalid))).rejects.toBe(invalid)
  })
})
