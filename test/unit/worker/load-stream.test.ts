/** What becomes of weights in the cache is told also when the model is already answering. */
import { expect, it, vi } from 'vitest'
import { createDeferred } from '../../../packages/sdk/src/shared/index.js'
import type { PrepareEvent } from '../../../packages/sdk/src/transport/index.js'
import type { WeightsStore } from '../../../packages/sdk/src/weights/index.js'
import { loadStream } from '../../../packages/sdk/src/worker/load-stream.js'
import { WorkerModel, type LoadListener } from '../../../packages/sdk/src/worker/worker-model.js'
import { everywhere } from '../router/inputs.js'

const source = { manifest: everywhere, manifestUrl: 'https://models.example/model/manifest.json' }
const model = new WorkerModel(source, () => Promise.reject(new Error()))

function start() {
  const settled = createDeferred<void>()
  const store = { settled: () => settled.promise } as WeightsStore // Nothing else of it is used here.
  const listening = createDeferred<LoadListener>()
  const load = (_signal: AbortSignal, listener: LoadListener) => {
    listening.resolve(listener)
    return Promise.resolve()
  }
  const reader = loadStream(model, 'fp32', () => Promise.resolve(store), undefined, load).getReader()
  return { reader, settled, listener: listening.promise }
}

it('a reason that comes after "ready" is told, once, and the stream ends when the cache is done', async () => {
  const { reader, settled, listener } = start()
  const { onNotStored, onPublished } = await listener
  expect(await reader.read()).toEqual({ done: false, value: { type: 'ready' } })
  onNotStored?.('no space')
  onNotStored?.('no space for the next file either')
  onPublished?.()
  settled.resolve()
  const rest: (PrepareEvent | undefined)[] = []
  for (let next = await reader.read(); !next.done; next = await reader.read()) rest.push(next.value)
  expect(rest).toEqual([{ type: 'not-stored', reason: 'no space' }, { type: 'published' }])
})

it('nothing is told to whoever has gone', async () => {
  const { reader, listener } = start()
  const { onNotStored } = await listener
  await reader.cancel()
  expect(vi.fn(() => onNotStored?.('no space'))).not.toThrow()
})

it('what was told has been heard when the page asks for more, has gone, or takes too long', async () => {
  vi.useFakeTimers()
  const { reader, listener } = start()
  const { heard, onNotStored, onPublished } = await listener
  expect(await reader.read()).toEqual({ done: false, value: { type: 'ready' } })
  onNotStored?.('no space')
  const first = vi.fn()
  const hearing = heard?.().then(first)
  expect(await reader.read()).toMatchObject({ value: { reason: 'no space' } })
  await Promise.resolve()
  expect(first).not.toHaveBeenCalled() // It was sent, and may still be on its way.
  void reader.read()
  await hearing

  onPublished?.()
  onPublished?.()
  const late = heard?.()
  await vi.advanceTimersByTimeAsync(250)
  await late
  await reader.cancel()
  await heard?.()
  vi.useRealTimers()
})
