/** Lanes, batches and the budget of memory, on real models: the device engine with the worker as it is shipped. */
import { expect, onTestFinished, test } from 'vitest'
import type {
  EngineAnswer,
  EngineRequest,
  Lane,
  ModelSource,
  TaskInput,
  TaskName,
} from '../../packages/sdk/src/contract/index.js'
import { createBatching } from '../../packages/sdk/src/api/batching.js'
import { createDeviceEngine, WorkerHost, type DeviceEngineOptions } from '../../packages/sdk/src/runtime/index.js'
import { neverAborted } from '../../packages/sdk/src/shared/index.js'
import { modelKey } from '../../packages/sdk/src/transport/index.js'
import { largestDifference } from './support/clients.js'

const sentence = 'A man is playing a guitar on a stage while the rain falls on the roof.'

interface Asked {
  readonly lane?: Lane
  readonly signal?: AbortSignal
}

/** A device engine with its own worker; what the worker still holds at the end fails the test. */
function startDevice(options: DeviceEngineOptions = {}) {
  const host = new WorkerHost({ spawn: () => new Worker('/shipped/worker.js', { type: 'module' }) })
  const nothing = () => undefined
  const listener = { onDownload: nothing, onReady: nothing, onNotStored: nothing, onPublished: nothing }
  const engine = createDeviceEngine(host, 1, listener, {
    loadBatching: () => Promise.resolve(createBatching()),
    ...options,
  })
  onTestFinished(async () => {
    expect(await host.dispose()).toEqual({ sessions: 0, gpuDevices: 0, databases: 0 })
  })

  const sources = new Map<string, Promise<ModelSource>>()
  /** Asked for once: in what follows, the order of the requests is the order in which they reach the worker. */
  const sourceOf = (model: string): Promise<ModelSource> => {
    const modelsUrls = [new URL('/models/', location.href).href]
    const source = sources.get(model) ?? host.call('locate', { modelsUrls, model, from: 'cache-first' })
    sources.set(model, source)
    return source
  }

  const placementOf = ({ manifest }: ModelSource) =>
    ({ engine: 'device', backend: 'wasm', variant: manifest.variants[0].dtype }) as const

  async function ask<T extends TaskName>(
    task: T,
    model: string,
    input: TaskInput<T>,
    { lane = 'default', signal = neverAborted() }: Asked = {},
  ): Promise<EngineAnswer<T>> {
    const source = await sourceOf(model)
    // Every task's options may be empty.
    const request = { ...source, model, task, input, options: {}, lane } as EngineRequest<T>
    return engine.run(placementOf(source), request, signal)
  }

  return { engine, host, ask, sourceOf, placementOf }
}

const rowsOf = (rows: number, seed = 0) => ({
  x: {
    dtype: 'float32' as const,
    shape: [rows, 4],
    data: Float32Array.from({ length: rows * 4 }, (_, index) => Math.sin(seed + index)),
  },
})

test('an interactive request answers before a long background one that began earlier, of the same model', async () => {
  const { ask } = startDevice()
  await ask('feature-extraction', 'all-minilm-l6-v2', 'ready?')
  const order: string[] = []
  // Batches of 2,048 tokens: a few runs.
  const many = Array.from({ length: 360 }, (_, index) => `${sentence} ${index}`)
  const background = ask('feature-extraction', 'all-minilm-l6-v2', many, { lane: 'background' }).then((answer) => {
    order.push('background')
    return answer
  })
  // On its way to the worker.
  await new Promise((resolve) => setTimeout(resolve))
  const later = ask('feature-extraction', 'all-minilm-l6-v2', sentence).then(() => order.push('default'))
  const interactive = ask('feature-extraction', 'all-minilm-l6-v2', sentence, { lane: 'interactive' }).then(() =>
    order.push('interactive'),
  )
  await Promise.all([background, later, interactive])
  expect(order).toEqual(['interactive', 'default', 'background'])
  const { output, timings } = await background
  expect(output).toHaveLength(many.length)
  expect(timings.queueMs).toBeGreaterThan(0)
})

test('an interactive request answers before a picture that is read in the background', async () => {
  const { ask } = startDevice()
  const picture = new URL('../fixtures/images/three-lines.png', import.meta.url).href
  await Promise.all([ask('image-to-text', 'pp-ocrv4', picture), ask('tensors', 'tiny-mlp', rowsOf(1))])
  const order: string[] = []
  const reading = ask('image-to-text', 'pp-ocrv4', picture, { lane: 'background' }).then(({ output }) => {
    order.push('background')
    return output
  })
  const interactive = ask('tensors', 'tiny-mlp', rowsOf(1), { lane: 'interactive' }).then(() =>
    order.push('interactive'),
  )
  await Promise.all([reading, interactive])
  expect(order).toEqual(['interactive', 'background'])
  expect((await reading).lines).toHaveLength(3)
})

test('background requests of tensors that wait together are one run, with the answers of each alone', async () => {
  const { ask } = startDevice()
  await ask('tensors', 'tiny-mlp', rowsOf(1))
  const inputs = Array.from({ length: 12 }, (_, index) => rowsOf(1 + Math.floor(Math.random() * 6), index))
  const together = await Promise.all(inputs.map((input) => ask('tensors', 'tiny-mlp', input, { lane: 'background' })))
  expect(Math.max(...together.map(({ timings }) => timings.batchedRequests ?? 1))).toBeGreaterThan(1)
  for (const [index, input] of inputs.entries()) {
    const alone = await ask('tensors', 'tiny-mlp', input)
    expect(largestDifference(together[index]?.output['y'], alone.output['y'])).toBeLessThan(1e-5)
  }
})

test('background texts that wait together are one run, with the vectors of each alone; one that goes leaves the others', async () => {
  const { ask } = startDevice()
  const texts = Array.from({ length: 10 }, () => sentence.slice(0, 5 + Math.floor(Math.random() * 60)))
  const leaving = new AbortController()
  const gone = ask('feature-extraction', 'all-minilm-l6-v2', 'never mind', {
    lane: 'background',
    signal: leaving.signal,
  })
  const together = texts.map((text, index) =>
    ask('feature-extraction', 'all-minilm-l6-v2', index % 2 ? [text, sentence] : text, { lane: 'background' }),
  )
  leaving.abort('gone')
  await expect(gone).rejects.toBe('gone')
  const answers = await Promise.all(together)
  expect(Math.max(...answers.map(({ timings }) => timings.batchedRequests ?? 1))).toBeGreaterThan(1)
  for (const [index, text] of texts.entries()) {
    const alone = (await ask('feature-extraction', 'all-minilm-l6-v2', index % 2 ? [text, sentence] : text)).output
    expect(answers[index]?.output).toHaveLength(alone.length)
    alone.forEach((vector, row) => {
      const found = answers[index]?.output[row] ?? new Float32Array()
      expect(Math.max(...vector.map((value, at) => Math.abs(value - (found[at] ?? NaN))))).toBeLessThan(1e-5)
    })
  }
})

test('the least recently used model is unloaded when memory is short, and ready again when it is asked for', async () => {
  const { ask, engine, host, sourceOf, placementOf } = startDevice({ memory: { maxBytes: 2, bytesOf: () => 1 } })
  const first = await ask('tensors', 'tiny-mlp', rowsOf(2))
  await ask('feature-extraction', 'all-minilm-l6-v2', sentence)
  const picture = new URL('../fixtures/images/three-lines.png', import.meta.url).href
  await ask('image-to-text', 'pp-ocrv4', picture)
  const source = await sourceOf('tiny-mlp')
  expect(engine.readiness(source, placementOf(source))).toBeUndefined()
  // The worker has no sessions of it any more.
  const { backend, variant } = placementOf(source)
  const run = {
    model: modelKey(source.manifest),
    backend,
    variant,
    task: 'tensors',
    lane: 'default',
    options: {},
  } as const
  await expect(host.call('run', { ...run, input: rowsOf(2) })).rejects.toMatchObject({ code: 'GPU_LOST' })
  const again = await ask('tensors', 'tiny-mlp', rowsOf(2))
  expect(again.timings.loadMs).toBeGreaterThan(0)
  expect(again.output).toEqual(first.output)
})

test('models that take turns in memory for one never take the sessions from under a request', async () => {
  const { ask } = startDevice({ memory: { maxBytes: 1, bytesOf: () => 1 } })
  const asked = Array.from({ length: 12 }, async (_, index) => {
    const lane = (['interactive', 'default', 'background'] as const)[index % 3]
    const asking = { ...(lane && { lane }) }
    if (index % 2) return (await ask('tensors', 'tiny-mlp', rowsOf(1, index), asking)).output['y']?.shape
    return (await ask('feature-extraction', 'all-minilm-l6-v2', sentence, asking)).output.length
  })
  expect(await Promise.all(asked)).toEqual(Array.from({ length: 12 }, (_, index) => (index % 2 ? [1, 3] : 1)))
})
