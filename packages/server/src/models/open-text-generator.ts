/** Makes a text generator of a model's files: an ONNX graph with its tokenizer beside it, or a GGUF as it is. */
import { dirname, relative, sep } from 'node:path'
import {
  buildLlama,
  createConstraints,
  createTextGenerator,
  ggufTokenizer,
  languageModelConfig,
  readGguf,
  type LanguageModelConfig,
  type TextGenerator,
} from 'edgeward/generation'
import { InferenceSession } from 'onnxruntime-node'
import type { LanguageModelSource } from './generation-messages.js'
import { readModelFile } from './model-file.js'
import { createNodeLanguageModel } from './node-language-model.js'
import type { ServedFile } from './read-models.js'

export interface OpenTextGenerator {
  readonly generator: TextGenerator
  /** Frees the model; no stream may be under way. */
  release(): Promise<void>
}

/**
 * @param onRun Told after each run of the graph.
 * @throws {Error} when a file is missing or wrong, or ONNX Runtime refuses the model.
 */
export async function openTextGenerator(source: LanguageModelSource, onRun: () => void): Promise<OpenTextGenerator> {
  const { session, config, tokenizer, tokenizerConfig } = await openParts(source)
  const model = createNodeLanguageModel({ config, session, onRun })
  const constraints = createConstraints(config, tokenizer, () => import('edgeward/grammar'))
  const { constrain } = constraints
  const maxSequences = source.maxStreams
  const generator = createTextGenerator({ model, tokenizer, tokenizerConfig, constrain, maxSequences })
  return {
    generator,
    async release() {
      generator.dispose()
      constraints.dispose()
      await session.release()
    },
  }
}

interface Parts {
  readonly session: InferenceSession
  readonly config: LanguageModelConfig
  readonly tokenizer: object
  readonly tokenizerConfig: object
}

function openParts(source: LanguageModelSource): Promise<Parts> {
  return source.files[0].filePath.endsWith('.gguf') ? openGguf(source) : openOnnx(source)
}

async function openOnnx({
  files,
  tokenizer,
  tokenizerConfig,
  config,
  threadsPerRun,
}: LanguageModelSource): Promise<Parts> {
  const [graph, ...others] = files
  const folder = dirname(graph.filePath)
  const externalData = []
  for (const file of others) {
    const path = relative(folder, file.filePath).split(sep).join('/')
    externalData.push({ path, data: await readModelFile(file) })
  }
  return {
    session: await createSession(await readModelFile(graph), externalData, threadsPerRun),
    config,
    tokenizer: await readJson(tokenizer, 'tokenizer'),
    tokenizerConfig: await readJson(tokenizerConfig, 'tokenizerConfig'),
  }
}

/** The name of the weights inside the graph that is built; no such file exists. */
const weightsName = 'weights'

/** Its blocks become those of the variant; what does not compute in float here is made `q8`, as browsers do it on WASM. */
async function openGguf({ files, dtype, config, threadsPerRun }: LanguageModelSource): Promise<Parts> {
  const bytes = await readModelFile(files[0])
  const gguf = await readGguf(async (start, end) => bytes.subarray(start, end), bytes.length)
  const built = buildLlama(gguf, {
    dtype: dtype === 'fp32' ? dtype : 'q8',
    attention: 'Attention',
    externalPath: weightsName,
  })
  const data = new Uint8Array(built.externalBytes)
  for (const { offset, make } of built.weights) {
    data.set(
      make((tensor) => bytes.subarray(tensor.offset, tensor.offset + tensor.bytes)),
      offset,
    )
  }
  const session = await createSession(built.graph, [{ path: weightsName, data }], threadsPerRun)
  const { tokenizer, config: tokenizerConfig } = ggufTokenizer(gguf.metadata)
  return { session, config: { ...languageModelConfig(gguf), ...config }, tokenizer, tokenizerConfig }
}

function createSession(
  graph: Uint8Array,
  externalData: { path: string; data: Uint8Array }[],
  threadsPerRun: number,
): Promise<InferenceSession> {
  return InferenceSession.create(graph, {
    // Only fatal ones: failures are reported by what is thrown, and ONNX Runtime's own lines would break a JSON log.
    logSeverityLevel: 4,
    intraOpNumThreads: threadsPerRun,
    ...(externalData.length > 0 ? { externalData } : {}),
  })
}

async function readJson(file: ServedFile | undefined, role: string): Promise<object> {
  if (file === undefined) throw new Error(`the manifest has no asset "${role}", which text generation needs`)
  const json: unknown = JSON.parse(new TextDecoder().decode(await readModelFile(file)))
  if (typeof json === 'object' && json !== null) return json
  throw new Error(`${file.filePath} is no JSON object`)
}
