/** The remote engine: what it sends where, what it needs the processor for, and how it ends. */
import { describe, expect, it } from 'vitest'
import type {
  EngineRequest,
  Manifest,
  Processor,
  TaskContext,
  TaskName,
  TensorMap,
} from '../../../packages/sdk/src/contract/index.js'
import { createOipEngine } from '../../../packages/sdk/src/remote/index.js'
import { decodeInferRequest, encodeInferResponse, endpointModelName } from '../../../packages/sdk/src/oip.js'
import { createDeferred } from '../../../packages/sdk/src/shared/index.js'
import { modelOf, serve, type Handler } from './http-server.js'

const signal = new AbortController().signal
const x: TensorMap = { x: { dtype: 'int32', shape: [1], data: Int32Array.of(7) } }
const noProcessor: Processor = { run: () => Promise.reject(new Error('not to be asked')) }

const echo =
  (paths: (string | undefined)[] = []): Handler =>
  (request, response) => {
    const { url, headers, body } = request
    paths.push(url)
    const { inputs } = decodeInferRequest(body, Number(headers['inference-header-content-length']))
    const message = encodeInferResponse({ modelName: modelOf(request), outputs: inputs }, { binary: () => true })
    response.writeHead(200, message.headers).end(message.body)
  }

/** A manifest of a model with these graphs; the engine reads no more of it. */
const manifestOf = (...graphs: string[]): Manifest => {
  const variants = [{ graphs: Object.fromEntries(graphs.map((graph) => [graph, {}])) }]
  return { id: 'ocr', variants } as unknown as Manifest
}

const textRequest = (manifest?: Manifest): EngineRequest<'feature-extraction'> => ({
  model: 'ocr',
  task: 'feature-extraction',
  input: 'text',
  options: {},
  ...(manifest && { manifest, manifestUrl: 'http://localhost/models/ocr/manifest.json' }),
})

const tensorsRequest: EngineRequest<'tensors'> = { model: 'm', task: 'tensors', input: x, options: { outputs: ['x'] } }

/** Answers feature-extraction with the graphs' values, one vector a graph, asked for all at once. */
const runGraphs = (...graphs: string[]): Processor => ({
  run: async <T extends TaskName>(_request: EngineRequest<T>, infer: TaskContext['infer']) => {
    const answers = await Promise.all(graphs.map((graph) => infer(graph, x, ['x'])))
    const output = answers.map(({ x: tensor }) => Float32Array.from(tensor?.dtype === 'int32' ? tensor.data : []))
    return { output, timings: { preprocessMs: 1, postprocessMs: 2 } }
  },
})

describe('the remote engine', () => {
  it('sends tensors to the model without a manifest or a processor', async () => {
    const paths: string[] = []
    const engine = createOipEngine({ protocol: 'oip', url: await serve(echo(paths)) }, noProcessor)
    const { output, timings } = await engine.run(engine.placement, tensorsRequest, signal)
    expect(output).toEqual(x)
    expect(timings.inferenceMs).toBeGreaterThan(0)
    expect(paths).toEqual(['/v2/models/m/infer'])
  })

  it("has the endpoint's address as its placement, and is prepared at once", async () => {
    const engine = createOipEngine({ protocol: 'oip', url: 'http://localhost:8787' }, noProcessor)
    expect(engine.kind).toBe('remote')
    expect(engine.placement).toEqual({ engine: 'remote', endpoint: 'http://localhost:8787/' })
    const source = { manifest: manifestOf('model'), manifestUrl: 'http://localhost/' }
    await expect(engine.prepare(engine.placement, source, signal)).resolves.toBeUndefined()
  })

  it('runs a task in the processor, with one graph named by the id of the model', async () => {
    const paths: string[] = []
    const engine = createOipEngine({ protocol: 'oip', url: await serve(echo(paths)) }, runGraphs('model'))
    const { output, timings } = await engine.run(engine.placement, textRequest(manifestOf('model')), signal)
    expect(output).toEqual([Float32Array.of(7)])
    expect(timings).toEqual({ preprocessMs: 1, postprocessMs: 2, inferenceMs: expect.any(Number) as number })
    expect(paths).toEqual(['/v2/models/ocr/infer'])
  })

  it('names each of several graphs by the id and its own name', async () => {
    const paths: string[] = []
    const url = await serve(echo(paths))
    const engine = createOipEngine({ protocol: 'oip', url }, runGraphs('detection', 'recognition'))
    await engine.run(engine.placement, textRequest(manifestOf('detection', 'recognition')), signal)
    expect(paths.sort()).toEqual(['/v2/models/ocr.detection/infer', '/v2/models/ocr.recognition/infer'])
  })

  it('names a single graph that is not called model by its name too', () => {
    expect(endpointModelName(manifestOf('model'), 'model')).toBe('ocr')
    expect(endpointModelName(manifestOf('encoder'), 'encoder')).toBe('ocr.encoder')
    expect(endpointModelName(manifestOf('model', 'decoder'), 'model')).toBe('ocr.model')
  })

  it('needs a manifest for every task but tensors', async () => {
    const engine = createOipEngine({ protocol: 'oip', url: 'http://localhost:1' }, noProcessor)
    await expect(engine.run(engine.placement, textRequest(), signal)).rejects.toMatchObject({
      code: 'MANIFEST_NOT_FOUND',
      details: { model: 'ocr', task: 'feature-extraction' },
    })
  })

  it('tells the endpoint with every graph what is left of the deadline', async () => {
    const timeouts: (number | undefined)[] = []
    const url = await serve((request, response) => {
      timeouts.push(
        decodeInferRequest(request.body, Number(request.headers['inference-header-content-length'])).timeoutMs,
      )
      echo()(request, response)
    })
    const engine = createOipEngine({ protocol: 'oip', url }, runGraphs('detection', 'recognition'))
    const deadlineAt = performance.now() + 10_000
    const request = textRequest(manifestOf('detection', 'recognition'))
    await engine.run(engine.placement, { ...request, deadlineAt }, signal)
    await engine.run(engine.placement, { ...tensorsRequest, deadlineAt }, signal)
    expect(timeouts).toHaveLength(3)
    for (const timeoutMs of timeouts) expect(timeoutMs).toBeLessThanOrEqual(10_000)
  })

  it("gives an endpoint's failure to the task, and from there to the caller", async () => {
    const url = await serve((_, response) => response.writeHead(503).end())
    const engine = createOipEngine({ protocol: 'oip', url }, runGraphs('model'))
    const answer = engine.run(engine.placement, textRequest(manifestOf('model')), signal)
    await expect(answer).rejects.toMatchObject({ code: 'REMOTE_OVERLOADED' })
  })
})

describe('ending', () => {
  it('rejects what is pending and what comes after with DISPOSED', async () => {
    const asked = createDeferred<unknown>()
    const engine = createOipEngine({ protocol: 'oip', url: await serve(() => asked.resolve(undefined)) }, noProcessor)
    const pending = engine.run(engine.placement, tensorsRequest, signal)
    await asked.promise
    await engine.dispose()
    await expect(pending).rejects.toMatchObject({ code: 'DISPOSED' })
    await expect(engine.run(engine.placement, tensorsRequest, signal)).rejects.toMatchObject({ code: 'DISPOSED' })
  })

  it('does not wait for a processor that does not answer once the caller aborts', async () => {
    const engine = createOipEngine(
      { protocol: 'oip', url: 'http://localhost:1' },
      { run: () => new Promise(() => undefined) },
    )
    const controller = new AbortController()
    const pending = engine.run(engine.placement, textRequest(manifestOf('model')), controller.signal)
    controller.abort()
    await expect(pending).rejects.toBe(controller.signal.reason)
  })
})
