/** Makes the sessions of a model's graphs: fetches their files while the runtime starts, and runs their canaries. */
import type { Backend, VariantDtype } from '../contract/index.js'
import { modelKey } from '../transport/index.js'
import { isHubModel, isLocalModel, type ModelAdmission } from '../weights/index.js'
import type { OwnGpu } from './gpu-owner.js'
import { loadGeneration } from './generation-file.js'
import type { OpeningLanguageModel } from './generation-model.js'
import type { GenerationStreams } from './generation-streams.js'
import { sessionInput, type GraphFiles, type ReadGraph } from './graph-files.js'
import type { Turn } from './lane-queue.js'
import type { OpenGraph } from './open-sessions.js'
import { createGraphSession, type SessionOptions } from './ort-session.js'
import type { Runtime } from './runtime-build.js'
import type { LoadListener, WorkerModel } from './worker-model.js'

/** What sessions are made with. */
export interface StartedBackend {
  readonly runtime: Runtime
  /** The device of the `webgpu` backend, another one after a loss. */
  liveGpu(): Promise<OwnGpu | undefined>
  onRun(): void
}

export interface OpenedGraphs {
  readonly graphs: ReadonlyMap<string, OpenGraph>
  /** Of a language model. */
  readonly streams: GenerationStreams | undefined
  /** What all of them were made on. */
  readonly gpu: OwnGpu | undefined
}

/** @param start - begins at once; its signal aborts when the files cannot be had */
export async function openGraphs(
  model: WorkerModel,
  place: { readonly backend: Backend; readonly variant: VariantDtype },
  start: (signal: AbortSignal) => Promise<StartedBackend>,
  signal: AbortSignal,
  listener: LoadListener,
): Promise<OpenedGraphs> {
  const failed = new AbortController()
  const loading = AbortSignal.any([signal, failed.signal])
  const graphs = new Map<string, OpenGraph>()
  const turn = turnOf(model, signal, listener)
  try {
    const language = openingOf(model, place)
    const starting = Promise.all([start(loading), language])
    const admitting = model.admit(place.variant, listener)
    const fetching = Object.entries(model.variant(place.variant).graphs).map(([name, graph]) => {
      return {
        name,
        graph,
        files: admitting.then((admission) => model.loadGraph(graph, loading, listener, admission)),
      }
    })
    // The task's own files come along, so that "ready" means ready; when this backend fails, they are the next one's.
    const preparing = admitting.then((admission) => prepareTask(model, signal, listener, admission))
    const files = Promise.all([preparing, ...fetching.map((fetched) => fetched.files)]).then(() => undefined)
    publishAfter(files, admitting)
    const [{ runtime, liveGpu, onRun }, opening] = await startedWith(files, starting, listener)
    const { refusal } = await admitting
    // The one that the backend started with may have been lost while the weights travelled.
    const gpu = await liveGpu()
    const areShapesBinding = !isHubModel(model.manifest.id) && !isLocalModel(model.manifest.id)
    const options = { runtime, gpu, onRun, backend: place.backend, turn, areShapesBinding }
    // Shifted off one by one, so that each file's chunks are let go as soon as its session exists.
    for (let next = fetching.shift(); next !== undefined; next = fetching.shift()) {
      const { name, graph } = next
      listener.onPhase?.('session')
      // The page writes down what may kill it, before it can.
      await listener.heard?.()
      // Chunks that were read are gone: when they are needed again after all, they come from the cache.
      const reload = () => model.loadGraph(graph, signal, {}, { refusal })
      const read = async (of: GraphFiles, keepsAll: boolean): Promise<ReadGraph> =>
        opening ? opening.read(graph, of, keepsAll) : { graph, input: sessionInput(graph, of, keepsAll) }
      const open = await createSession(await next.files, reload, read, options)
      graphs.set(name, open)
      if (graph.canary) listener.onPhase?.('canary')
      await open.session.runCanary(turn)
    }
    const [only] = graphs.values()
    return { graphs, gpu, streams: only && (await opening?.start(only, signal)) }
  } catch (error) {
    failed.abort(error)
    await Promise.allSettled([...graphs.values()].map(({ session }) => session.release()))
    throw error
  }
}

/** What a language model needs beside its session is code of its own. */
async function openingOf(
  model: WorkerModel,
  place: { readonly backend: Backend; readonly variant: VariantDtype },
): Promise<OpeningLanguageModel | undefined> {
  if (model.manifest.task !== 'text-generation') return undefined
  return (await loadGeneration()).openLanguageModel(model, place)
}

/** Nobody waits for a load of low priority: its sessions are made when no request wants to run. */
function turnOf(model: WorkerModel, signal: AbortSignal, listener: LoadListener): Turn {
  return {
    get lane() {
      return listener.priority?.isLow ? 'background' : 'default'
    },
    model: modelKey(model.manifest),
    signal,
  }
}

/**
 * Creates a session, with chunks let go as they are read; if ONNX Runtime reads some again, once more without that.
 *
 * @throws EdgewardError SESSION_FAILED, OUT_OF_MEMORY, GPU_LOST, WORKER_DIED
 */
async function createSession(
  files: GraphFiles,
  reload: () => Promise<GraphFiles>,
  readGraph: (files: GraphFiles, keepsAll: boolean) => Promise<ReadGraph>,
  options: Omit<SessionOptions, 'graph' | 'keptOnGpu'>,
): Promise<OpenGraph> {
  const create = async ({ input, ...read }: ReadGraph): Promise<OpenGraph> => {
    return { graph: read.graph, session: await createGraphSession(input, { ...options, ...read }) }
  }
  const read = await readGraph(files, false)
  try {
    return await create(read)
  } catch (error) {
    if (!read.input.isReadAgain) throw error
    return create(await readGraph(await reload(), true))
  }
}

/** What has started, when the files are there too; tells when they had to wait for it. */
async function startedWith<T>(files: Promise<unknown>, starting: Promise<T>, listener: LoadListener): Promise<T> {
  let isStarted = false
  const [started] = await Promise.all([
    starting.finally(() => (isStarted = true)),
    files.then(() => isStarted || listener.onPhase?.('runtime')),
  ])
  return started
}

/** Publishes the model as soon as its files are there, whatever becomes of its sessions; nobody waits for it. */
function publishAfter(files: Promise<unknown>, admitting: Promise<ModelAdmission>): void {
  files
    .then(
      async () => (await admitting).publish(),
      async () => (await admitting).giveUp(),
    )
    .catch(() => undefined) // Without an admission no file was loaded, and whoever waits for the files hears why.
}

async function prepareTask(
  model: WorkerModel,
  signal: AbortSignal,
  listener: LoadListener,
  admission: ModelAdmission,
): Promise<void> {
  const { assets, task } = model.manifest
  await Promise.all(Object.keys(assets).map((role) => model.asset(role, signal, listener, admission)))
  await model.task(task, signal)
}
