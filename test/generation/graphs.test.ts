/** Graphs built from SmolLM2's GGUF write sense, and expect what llama.cpp expects of the same file. */
import { readFileSync } from 'node:fs'
import { beforeAll, expect, test } from 'vitest'
import { buildLlama, ggufTokenizer, readGguf } from '../../packages/sdk/src/formats/index.js'
import type { LlamaBuild } from '../../packages/sdk/src/formats/index.js'
import { createTextTokenizer } from '../../packages/sdk/src/generation/text-tokenizer.js'
import { fromRoot } from '../../scripts/lib/root.mjs'
import { openLlama, type RunningLlama } from '../unit/formats/run-llama.js'

const file = readFileSync(process.env['EDGEWARD_GGUF'] ?? fromRoot('.models/smollm2-135m-instruct/model.gguf'))
const gguf = await readGguf((begin, end) => Promise.resolve(Uint8Array.from(file.subarray(begin, end))), file.length)
const [vocabulary, positions, kept] = [49_152, 500, 256]

/** `smollm2-logprobs.bin`: see its README. */
const recorded = new Uint16Array(
  Uint8Array.from(readFileSync(fromRoot('test/fixtures/generation/smollm2-logprobs.bin'))).buffer,
)
const ids = [...recorded.subarray(0, positions)]

async function open(dtype: LlamaBuild['dtype'], attention: LlamaBuild['attention'] = 'Attention') {
  const model = buildLlama(gguf, { dtype, attention, externalPath: 'model.data', maxContext: 1024 })
  return openLlama(model, 'model.data', ({ offset, bytes }) => file.subarray(offset, offset + bytes))
}

/** The natural logarithms of each position's probabilities, one position after the other. */
async function logProbabilities(running: RunningLlama): Promise<Float32Array> {
  const all = new Float32Array(positions * vocabulary)
  for (let begin = 0; begin < positions; begin += 100) {
    all.set(await running.run(ids.slice(begin, begin + 100)), begin * vocabulary)
  }
  for (let at = 0; at < all.length; at += vocabulary) logSoftmax(all.subarray(at, at + vocabulary))
  return all
}

function logSoftmax(logits: Float32Array): void {
  const most = logits[indexOfLargest(logits)] ?? NaN
  let sum = 0
  for (let id = 0; id < logits.length; id += 1) sum += Math.exp((logits[id] ?? NaN) - most)
  const norm = most + Math.log(sum)
  for (let id = 0; id < logits.length; id += 1) logits[id] = (logits[id] ?? NaN) - norm
}

function indexOfLargest(values: Float32Array): number {
  let best = 0
  for (let index = 1; index < values.length; index += 1) {
    if ((values[index] ?? -Infinity) > (values[best] ?? Infinity)) best = index
  }
  return best
}

interface Closeness {
  /** Kullback-Leibler divergence from what is expected, in nats, on average. */
  readonly divergence: number
  /** At which share of the positions the likeliest token is the same. */
  readonly agreement: number
}

/** What `compare` says of each position, on average: the divergence there, and whether the likeliest token is the expected. */
function average(ours: Float32Array, compare: (ours: Float32Array, position: number) => [number, boolean]): Closeness {
  let [divergence, agreement] = [0, 0]
  for (let position = 0; position < positions; position += 1) {
    const [lost, isSame] = compare(ours.subarray(position * vocabulary, (position + 1) * vocabulary), position)
    divergence += lost / positions
    if (isSame) agreement += 1 / positions
  }
  return { divergence, agreement }
}

/** To llama.cpp; the tokens that were not recorded count as one, which tells about 6 % less than all of them. */
function closenessToLlamaCpp(all: Float32Array): Closeness {
  return average(all, (ours, position) => {
    const start = positions + position * kept * 2
    let [lost, rest, ourRest] = [0, 1, 1]
    for (let entry = start; entry < start + kept * 2; entry += 2) {
      const theirs = -(recorded[entry + 1] ?? NaN) / 2048
      const same = ours[recorded[entry] ?? NaN] ?? NaN
      lost += Math.exp(theirs) * (theirs - same)
      rest -= Math.exp(theirs)
      ourRest -= Math.exp(same)
    }
    return [lost + (rest > 0 ? rest * Math.log(rest / ourRest) : 0), indexOfLargest(ours) === recorded[start]]
  })
}

function closeness(expected: Float32Array, all: Float32Array): Closeness {
  return average(all, (ours, position) => {
    const theirs = expected.subarray(position * vocabulary, (position + 1) * vocabulary)
    let lost = 0
    for (let id = 0; id < vocabulary; id += 1) {
      const each = theirs[id] ?? NaN
      lost += Math.exp(each) * (each - (ours[id] ?? NaN))
    }
    return [lost, indexOfLargest(theirs) === indexOfLargest(ours)]
  })
}

async function measure(dtype: LlamaBuild['dtype'], attention: LlamaBuild['attention']): Promise<Float32Array> {
  const running = await open(dtype, attention)
  try {
    return await logProbabilities(running)
  } finally {
    await running.release()
  }
}

let fp32: Float32Array
beforeAll(async () => (fp32 = await measure('fp32', 'Attention')))

test('fp32 expects what llama.cpp does', async ({ annotate }) => {
  const { divergence, agreement } = closenessToLlamaCpp(fp32)
  await annotate(`mean KL ${divergence.toFixed(5)}, top-1 ${agreement.toFixed(3)}`)
  expect(divergence).toBeLessThan(0.01)
  expect(agreement).toBeGreaterThanOrEqual(0.93)
})

test.for([
  ['fp32', 'GroupQueryAttention', 1e-6],
  ['q8', 'Attention', 0.005],
  ['int8', 'Attention', 0.005],
  ['q4', 'GroupQueryAttention', 1e-6],
  ['q4f16', 'GroupQueryAttention', 1e-3],
] as const)(
  '%s by %s expects what llama.cpp does, and what fp32 does but for a mean divergence of %f',
  async ([dtype, attention, most], { annotate }) => {
    const all = await measure(dtype, attention)
    const [toLlamaCpp, toFp32] = [closenessToLlamaCpp(all), closeness(fp32, all)]
    await annotate(`to llama.cpp ${JSON.stringify(toLlamaCpp)}, to fp32 ${JSON.stringify(toFp32)}`)
    expect(toLlamaCpp.divergence).toBeLessThan(0.01)
    expect(toLlamaCpp.agreement).toBeGreaterThanOrEqual(0.93)
    expect(toFp32.divergence).toBeLessThan(most)
  },
)

test.for(['fp32', 'int8'] as const)('%s goes on greedily with sense', async (dtype) => {
  const { tokenizer, config } = ggufTokenizer(gguf.metadata)
  const texts = createTextTokenizer(tokenizer, config)
  const running = await open(dtype)
  const written = texts.encode('The capital of France is')
  let next = written
  for (let count = 0; count < 12; count += 1) {
    next = [indexOfLargest(await running.run(next, 1))]
    written.push(...next)
  }
  await running.release()
  expect(texts.decode(written)).toContain('Paris')
})
