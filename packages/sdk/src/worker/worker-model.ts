/** A model that the page told the worker about: its files by role, and its task made ready. */
import type {
  Graph,
  LoadedTask,
  LoadPhase,
  Manifest,
  ManifestFile,
  ModelSource,
  TaskName,
  Variant,
  VariantDtype,
} from '../contract/index.js'
import { EdgewardError } from '../errors/index.js'
import { readGraphSignature } from '../formats/index.js'
import { taskNamed } from '../tasks/index.js'
import {
  fileUrl,
  neededFiles,
  LowPriority,
  pinned,
  unpinnedFiles,
  type CacheListener,
  type ChunkedFile,
  type ForegroundGate,
  type LoadFileOptions,
  type ModelAdmission,
  type WeightsStore,
} from '../weights/index.js'
import type { GraphFiles } from './graph-files.js'
import { Kept } from './kept.js'
import { PartPriorities } from './part-priorities.js'

export type OnBytes = (bytes: number, from: 'cache' | 'network') => void

/** Who hears how a load is coming along. */
export interface LoadListener extends CacheListener {
  onBytes?: OnBytes
  /** Absent: somebody waits for it. */
  readonly priority?: LowPriority
  /** What the load waits for from now on, when that is not its files: the runtime, a session, a canary. */
  onPhase?(phase: LoadPhase): void
  /** Resolves when the page knows what it was told. Absent: nobody listens. */
  heard?(): Promise<void>
}

/** What a load that was let in tells the loads of its files. */
type LetIn = Partial<Pick<ModelAdmission, 'refusal' | 'isVouched'>>

export class WorkerModel {
  #source: ModelSource
  readonly #store: () => Promise<WeightsStore>
  readonly #assets = new Kept<string, Uint8Array>()
  readonly #tasks = new Kept<TaskName, LoadedTask<TaskName>>()
  /** Of its loads of low priority, until one is asked for at the normal one. */
  #priority: LowPriority | undefined
  readonly #assetPriorities = new PartPriorities()

  constructor(source: ModelSource, store: () => Promise<WeightsStore>) {
    this.#source = source
    this.#store = store
  }

  /** With the digests that are known by now; see `pinned`. */
  get manifest(): Manifest {
    return this.#source.manifest
  }

  /** Whether its files may come from the cache only. */
  get isOffline(): boolean {
    return this.#source.offline ?? false
  }

  /** The priority of a load of this model in the background. */
  lowPriority(gate: ForegroundGate): LowPriority {
    return (this.#priority = this.#priority?.isLow ? this.#priority : new LowPriority(gate))
  }

  /** Somebody waits for this model: what is loaded of it at low priority goes on at the normal one. */
  hasten(): void {
    this.#priority?.hasten()
  }

  /** Runs a load of a variant when every digest is known: files that came without are brought, and pinned, before it. */
  async pinned<T>(
    variant: VariantDtype,
    signal: AbortSignal,
    listener: LoadListener,
    load: (listener: LoadListener) => Promise<T>,
  ): Promise<T> {
    if (this.isOffline || unpinnedFiles(this.manifest, variant).length === 0) return load(listener)
    // Files are pinned one load after the other.
    if (!listener.priority?.isLow) this.hasten()
    const store = await this.#store()
    const { pins, bytes, end } = await store.pin(this.#source, variant, {
      signal,
      listener,
      readSignature: readGraphSignature,
    })
    this.#source = pinned(this.#source, pins)
    try {
      return await load(afterBytes(bytes, listener))
    } finally {
      end()
    }
  }

  /** Resolves with this model when it is known what its graphs take and give: in all variants the same. */
  described(signal: AbortSignal): Promise<this> {
    return this.pinned(this.manifest.variants[0].dtype, signal, {}, () => Promise.resolve(this))
  }

  /** Lets in a load of a variant; see the store's `admit`. */
  async admit(variant: VariantDtype, listener: LoadListener): Promise<ModelAdmission> {
    const store = await this.#store()
    return store.admit(this.#source, variant, listener)
  }

  /** Brings a variant and the assets into the cache, one file after the other, and keeps nothing in memory. */
  async download(variant: VariantDtype, signal: AbortSignal, listener: LoadListener): Promise<void> {
    const admission = await this.bring(variant, signal, listener)
    admission.publish()
  }

  /** Does what `download` does, but leaves it to the caller to end the load: by `publish` or `giveUp`. */
  async bring(variant: VariantDtype, signal: AbortSignal, listener: LoadListener): Promise<ModelAdmission> {
    return this.pinned(variant, signal, listener, (rest) => this.#bring(variant, signal, rest))
  }

  async #bring(variant: VariantDtype, signal: AbortSignal, listener: LoadListener): Promise<ModelAdmission> {
    const admission = await this.admit(variant, listener)
    try {
      for (const file of neededFiles(this.manifest, this.variant(variant).dtype)) {
        await this.load(file, signal, { ...listener, cacheOnly: true }, admission)
      }
    } catch (error) {
      admission.giveUp()
      throw error
    }
    return admission
  }

  /** The verified files of a graph of this model. */
  async loadGraph(
    graph: Graph,
    signal: AbortSignal,
    listener: LoadListener = {},
    admission: LetIn = {},
  ): Promise<GraphFiles> {
    const load = (file: ManifestFile) => this.load(file, signal, listener, admission)
    const [file, externalData] = await Promise.all([
      load(graph.file),
      Promise.all((graph.externalData ?? []).map(load)),
    ])
    return { file, externalData }
  }

  /** A verified file of this model. */
  async load(
    file: ManifestFile,
    signal: AbortSignal,
    listener: LoadListener & Pick<LoadFileOptions, 'cacheOnly'> = {},
    { refusal, isVouched = false }: LetIn = {},
  ): Promise<ChunkedFile> {
    const store = await this.#store()
    const { manifestUrl, mirrorUrls = [], offline = false } = this.#source
    const where = {
      url: fileUrl(manifestUrl, file.path),
      mirrorUrls: mirrorUrls.map((mirror) => fileUrl(mirror, file.path)),
      chunkBytes: this.manifest.chunkBytes,
      offline,
    }
    return store.load(file, { ...where, signal, refusal, isVouched, ...listener })
  }

  /** An asset's bytes, loaded once; the load ends when all who ask for it have gone. */
  async asset(
    role: string,
    signal: AbortSignal,
    listener: LoadListener = {},
    admission: LetIn = {},
  ): Promise<Uint8Array> {
    const file = this.manifest.assets[role]
    if (file === undefined)
      throw missing(this.manifest, `asset ${JSON.stringify(role)}`, Object.keys(this.manifest.assets))
    // An endpoint's request, too, may wait for what the device's load brings.
    this.#assetPriorities.asked(role, listener)
    let isOurs = false
    const bytes = await this.#assets.get(role, signal, async (sharedSignal) => {
      isOurs = true
      const load = (rest: LoadListener) => this.load(file, sharedSignal, rest, admission)
      const loaded = await this.#assetPriorities.load(role, listener, load)
      return loaded.intoOneBuffer()
    })
    if (!isOurs) listener.onBytes?.(file.bytes, 'cache')
    return bytes
  }

  /** A task made ready once for this model: its own, or `tensors`, which every model can do. */
  task(name: TaskName, signal: AbortSignal): Promise<LoadedTask<TaskName>> {
    const { id, task } = this.manifest
    if (name !== task && name !== 'tensors') {
      throw new EdgewardError('UNSUPPORTED_TASK', `The model ${id} does ${task}, not ${name}.`)
    }
    return this.#tasks.get(name, signal, (sharedSignal) => {
      const definition = taskNamed(name)
      const asset = (role: string) => this.asset(role, sharedSignal)
      return definition.load({ manifest: this.manifest, asset })
    })
  }

  variant(dtype: VariantDtype): Variant {
    const { variants } = this.manifest
    const found = variants.find((variant) => variant.dtype === dtype)
    if (found === undefined)
      throw missing(
        this.manifest,
        `variant ${dtype}`,
        variants.map((variant) => variant.dtype),
      )
    return found
  }
}

/** A listener that was told of so many bytes already. */
function afterBytes(bytes: number, listener: LoadListener): LoadListener {
  let told = bytes
  return {
    ...listener,
    onBytes: (came, from) => {
      const known = Math.min(told, Math.max(0, came))
      told -= known
      if (came !== known) listener.onBytes?.(came - known, from)
    },
  }
}

function missing({ id }: Manifest, what: string, there: readonly string[]): EdgewardError {
  return new EdgewardError(
    'MANIFEST_INVALID',
    `The manifest of ${id} has no ${what}; it has: ${there.join(', ') || 'none'}.`,
  )
}
