/** The models that the endpoint serves: their sessions, opened when first needed and shared, and their queues. */
import { readModelsFolder, type ServedGraph } from './read-models.js'
import { ServedModel, type ServedModelLimits } from './served-model.js'

/** Owns every session of the endpoint. */
export class ModelStore {
  /** Every file that browsers may fetch, as paths below the models folder. */
  readonly files: ReadonlySet<string>
  readonly #models: ReadonlyMap<string, ServedModel>

  private constructor(graphs: readonly ServedGraph[], files: ReadonlySet<string>, limits: ServedModelLimits) {
    this.files = files
    this.#models = new Map(graphs.map((graph) => [graph.name, new ServedModel(graph, limits)]))
  }

  /**
   * Reads the manifests of a folder; no session is opened yet.
   *
   * @throws {EdgewardError} `INVALID_OPTION` or `MANIFEST_INVALID`, see {@link readModelsFolder}.
   */
  static async open(folder: string, limits: ServedModelLimits): Promise<ModelStore> {
    const { graphs, files } = await readModelsFolder(folder)
    return new ModelStore(graphs, files, limits)
  }

  get(name: string): ServedModel | undefined {
    return this.#models.get(name)
  }

  /** All of them, in order of their names. */
  list(): ServedModel[] {
    return [...this.#models.values()]
  }

  /** Frees every session, after the runs that are under way. */
  async dispose(): Promise<void> {
    await Promise.all(this.list().map((model) => model.dispose()))
  }
}
