/** A model that makes vectors of texts, as the SDK's own task does it, with a served graph. */
import { EdgewardError, type TensorMap } from 'edgeward'
import { featureExtraction, type LoadedTask, type TaskContext } from 'edgeward/generation'
import { endpointModelName } from 'edgeward/oip'
import { readModelFile } from './model-file.js'
import type { EmbeddingModelFiles } from './read-models.js'
import type { ServedModel } from './served-model.js'

export interface Embeddings {
  /** One for each text, in order. */
  readonly vectors: readonly Float32Array[]
  /** All that the model read. */
  readonly tokens: number
}

export class EmbeddingModel {
  readonly #files: EmbeddingModelFiles
  readonly #graphOf: (name: string) => ServedModel | undefined
  #task: Promise<LoadedTask<'feature-extraction'>> | undefined

  /** @param graphOf The served graph of a name. */
  constructor(files: EmbeddingModelFiles, graphOf: (name: string) => ServedModel | undefined) {
    this.#files = files
    this.#graphOf = graphOf
  }

  /** What its requests wait for, and are counted at. */
  get graph(): ServedModel {
    const name = endpointModelName(this.#files.manifest, 'model')
    const graph = this.#graphOf(name)
    if (graph === undefined) throw new EdgewardError('MANIFEST_INVALID', `there is no graph "${name}"`)
    return graph
  }

  /** @throws {EdgewardError} what {@link ServedModel.run} throws; `signal.reason` */
  async embed(texts: readonly string[], signal: AbortSignal): Promise<Embeddings> {
    const task = await this.#load()
    let tokens = 0
    const infer: TaskContext['infer'] = (_graph, inputs, outputs) => {
      tokens += countTokens(inputs)
      return this.graph.run(inputs, outputs ?? this.graph.outputs.map(({ name }) => name), signal)
    }
    const vectors = await task.run(texts, {}, { manifest: this.#files.manifest, asset: this.#asset, signal, infer })
    return { vectors, tokens }
  }

  readonly #asset = (role: string): Promise<Uint8Array> => {
    const file = this.#files.assets.get(role)
    if (file) return readModelFile(file)
    throw new EdgewardError('MANIFEST_INVALID', `the manifest of ${this.#files.manifest.id} has no asset "${role}"`)
  }

  #load(): Promise<LoadedTask<'feature-extraction'>> {
    this.#task ??= featureExtraction
      .load({ manifest: this.#files.manifest, asset: this.#asset })
      .catch((thrown: unknown) => {
        this.#task = undefined
        throw thrown
      })
    return this.#task
  }
}

/** Padding is masked, and read by nobody. */
function countTokens({ attention_mask: mask, input_ids: ids }: TensorMap): number {
  if (mask?.data instanceof BigInt64Array) return mask.data.reduce((sum, value) => sum + Number(value), 0)
  return ids?.data.length ?? 0
}
