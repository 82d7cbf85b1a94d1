/** The models that the endpoint serves: their sessions, opened when first needed and shared, and their queues. */
import { EmbeddingModel } from './embedding-model.js'
import { readModelsFolder, type ModelsFolder } from './read-models.js'
import type { Served } from './served.js'
import { ServedLanguageModel, type LanguageModelLimits } from './served-language-model.js'
import { ServedModel } from './served-model.js'

/** Owns every session of the endpoint. */
export class ModelStore {
  /** Every file that browsers may fetch, as paths below the models folder. */
  readonly files: ReadonlySet<string>
  readonly #models: ReadonlyMap<string, ServedModel>
  readonly #languageModels: ReadonlyMap<string, ServedLanguageModel>
  readonly #embeddingModels: ReadonlyMap<string, EmbeddingModel>

  private constructor({ graphs, languageModels, embeddingModels, files }: ModelsFolder, limits: LanguageModelLimits) {
    this.files = files
    this.#models = new Map(graphs.map((graph) => [graph.name, new ServedModel(graph, limits)]))
    this.#languageModels = new Map(languageModels.map((model) => [model.name, new ServedLanguageModel(model, limits)]))
    const graphOf = (name: string) => this.#models.get(name)
    this.#embeddingModels = new Map(
      embeddingModels.map((model) => [model.manifest.id, new EmbeddingModel(model, graphOf)]),
    )
  }

  /**
   * Reads the manifests of a folder; no session is opened yet.
   *
   * @throws {EdgewardError} `INVALID_OPTION` or `MANIFEST_INVALID`, see {@link readModelsFolder}.
   */
  static async open(folder: string, limits: LanguageModelLimits): Promise<ModelStore> {
    return new ModelStore(await readModelsFolder(folder), limits)
  }

  get(name: string): Served | undefined {
    return this.#models.get(name) ?? this.#languageModels.get(name)
  }

  languageModel(name: string): ServedLanguageModel | undefined {
    return this.#languageModels.get(name)
  }

  languageModels(): ServedLanguageModel[] {
    return [...this.#languageModels.values()]
  }

  embeddingModel(name: string): EmbeddingModel | undefined {
    return this.#embeddingModels.get(name)
  }

  /** The ids of what can be asked for by OpenAI's routes: models that write, and models that make vectors of texts. */
  openAiModels(): string[] {
    return [...this.#languageModels.keys(), ...this.#embeddingModels.keys()].sort()
  }

  /** All of them, those that write last. */
  list(): Served[] {
    return [...this.#models.values(), ...this.#languageModels.values()]
  }

  /** Frees every session, after the runs that are under way. */
  async dispose(): Promise<void> {
    await Promise.all(this.list().map((model) => model.dispose()))
  }
}
