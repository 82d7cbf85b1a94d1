/** The task `feature-extraction`: one vector for each text, from a transformer encoder. */
import type { TaskContext, TaskDefinition, TensorMap } from '../../contract/index.js'
import { graphNamed, manifestInvalid } from '../manifest-parts.js'
import { readFloats } from '../read-output.js'
import { planBatches } from './plan-batches.js'
import { pool } from './pool.js'
import { readSettings, type Settings } from './settings.js'
import { loadTextEncoder } from './text-encoder.js'

const graphName = 'model'
const knownInputs = ['input_ids', 'attention_mask', 'token_type_ids'] as const

/** Token ids in, last hidden state out, pooled over each text's own tokens. */
export const featureExtraction: TaskDefinition<'feature-extraction'> = {
  name: 'feature-extraction',
  async load(context) {
    const settings = readSettings(context.manifest)
    const tensors = readTensorNames(context)
    const encode = await loadTextEncoder(context, settings.maxTokens)
    return {
      async run(input, _options, request) {
        const texts = typeof input === 'string' ? [input] : input
        const tokenIds = texts.map(encode)
        const vectors: Float32Array[] = []
        for (const batch of planBatches(tokenIds.map((ids) => ids.length))) {
          request.signal.throwIfAborted()
          const rows = await embed(
            batch.map((index) => tokenIds[index] ?? []),
            tensors,
            settings,
            request,
          )
          rows.forEach((vector, row) => (vectors[batch[row] ?? row] = vector))
        }
        return vectors
      },
    }
  },
}

interface TensorNames {
  readonly inputs: readonly (typeof knownInputs)[number][]
  /** The output of shape [batch, sequence, size]. */
  readonly output: string
}

function readTensorNames({ manifest }: Pick<TaskContext, 'manifest'>): TensorNames {
  const graph = graphNamed(manifest, graphName)
  const unknown = graph.inputs.find(
    ({ name, dtype }) => !knownInputs.some((known) => known === name) || dtype !== 'int64',
  )
  if (unknown !== undefined) {
    const right = `takes only int64 ${knownInputs.join(', ')}`
    throw manifestInvalid(
      manifest,
      `has the input "${unknown.name}" (${unknown.dtype}), but feature-extraction ${right}`,
    )
  }
  const output = graph.outputs.find(({ shape }) => shape.length === 3)
  if (output === undefined) throw manifestInvalid(manifest, 'has no output of the shape [batch, sequence, size]')
  const inputs = knownInputs.filter((known) => graph.inputs.some(({ name }) => name === known))
  return { inputs, output: output.name }
}

/** The vectors of one batch, each text padded to the longest and masked. */
async function embed(
  batch: readonly (readonly number[])[],
  names: TensorNames,
  settings: Settings,
  context: TaskContext,
): Promise<Float32Array[]> {
  const sequence = Math.max(...batch.map((ids) => ids.length))
  const feeds = feedBatch(batch, sequence, names.inputs)
  const outputs = await context.infer(graphName, feeds, [names.output])
  const hidden = readFloats(outputs, names.output, [batch.length, sequence, undefined])
  const size = hidden.shape[2] ?? 0
  return batch.map((ids, row) => {
    const start = row * sequence * size
    return pool(hidden.data.subarray(start, start + ids.length * size), size, settings)
  })
}

/** int64 [batch, sequence] tensors. Padding has id 0 and type 0: the mask hides it, so its id does not matter. */
function feedBatch(batch: readonly (readonly number[])[], sequence: number, names: TensorNames['inputs']): TensorMap {
  const shape = [batch.length, sequence]
  const ids = new BigInt64Array(batch.length * sequence)
  const mask = new BigInt64Array(batch.length * sequence)
  batch.forEach((tokens, row) => {
    ids.set(tokens.map(BigInt), row * sequence)
    mask.fill(1n, row * sequence, row * sequence + tokens.length)
  })
  const data = { input_ids: ids, attention_mask: mask, token_type_ids: new BigInt64Array(ids.length) }
  return Object.fromEntries(names.map((name) => [name, { dtype: 'int64', shape, data: data[name] }]))
}
