/** What a language model over a session feeds, refuses and believes, whatever runs the graph. */
import { describe, expect, it } from 'vitest'
import type { LanguageModelConfig, TensorSpec } from '../../../packages/sdk/src/contract/index.js'
import { EdgewardError } from '../../../packages/sdk/src/errors/index.js'
import { neverAborted } from '../../../packages/sdk/src/shared/index.js'
import type { KvCache } from '../../../packages/sdk/src/worker/kv-cache.js'
import { lastLogits, ownInputs, readKvGraph } from '../../../packages/sdk/src/worker/kv-graph.js'
import { OrtSequence } from '../../../packages/sdk/src/worker/ort-sequence.js'
import type { BorrowedSession } from '../../../packages/sdk/src/worker/ort-session.js'

const config: LanguageModelConfig = {
  architecture: 'llama',
  vocabularySize: 3,
  contextLength: 100,
  layers: 1,
  kvHeads: 1,
  headSize: 2,
  eosTokenIds: [0],
}
const cache: TensorSpec = { name: 'past_key_values.0.key', dtype: 'float16', shape: [1, 1, 'past', 2] }
const inputs = ['input_ids', 'attention_mask'].map((name): TensorSpec => ({ name, dtype: 'int64', shape: [1, 'n'] }))
const positions: TensorSpec = { name: 'position_ids', dtype: 'int64', shape: [1, 'n'] }
const kept: TensorSpec = { name: 'num_logits_to_keep', dtype: 'int64', shape: [] }
const outputs: readonly TensorSpec[] = [
  { name: 'logits', dtype: 'float32', shape: [1, 'n', 3] },
  { ...cache, name: 'present.0.key' },
]
const graph = readKvGraph(config, [...inputs, cache], outputs)

describe('the graph', () => {
  it('is fed what it has', () => {
    const all = readKvGraph(config, [...inputs, positions, kept, cache], outputs)
    const numbers = [...ownInputs(all, [7, 8], 3, 1)].map(([name, { shape, data }]) => [
      name,
      shape,
      [...data].map(Number),
    ])
    expect(numbers).toEqual([
      ['input_ids', [1, 2], [7, 8]],
      ['attention_mask', [1, 5], [1, 1, 1, 1, 1]],
      ['position_ids', [1, 2], [3, 4]],
      ['num_logits_to_keep', [], [1]],
    ])
    expect([...ownInputs(graph, [7], 3, 1).keys()]).toEqual(['input_ids', 'attention_mask'])
  })

  it.each<[string, readonly TensorSpec[], readonly TensorSpec[]]>([
    ['use_cache_branch', [...inputs, { ...kept, name: 'use_cache_branch' }, cache], outputs],
    ['past_key_values', inputs, outputs],
    ['present.0.key', [...inputs, cache], outputs.slice(0, 1)],
    ['logits', [...inputs, cache], outputs.slice(1)],
    ['float16', [...inputs, { ...cache, dtype: 'int8' }], outputs],
  ])('that cannot be run is refused, and told why: %s', (what, inputs, outputs) => {
    const read = () => readKvGraph(config, inputs, outputs)
    expect(read).toThrow(expect.objectContaining({ code: 'MODEL_UNSUPPORTED' }))
    expect(read).toThrow(what)
  })
})

describe('logits', () => {
  const rows = [1, 2, 3, 4, 5, 6]

  it('of all tokens: the last ones are given', () => {
    const all = { dtype: 'float32', shape: [1, 2, 3], data: Float32Array.from(rows) } as const
    expect([...lastLogits(graph, all, 2, 1)]).toEqual([4, 5, 6])
    expect([...lastLogits(graph, all, 2, 2)]).toEqual(rows)
  })

  it('of half precision are given as numbers', () => {
    const half = { dtype: 'float16', shape: [1, 1, 3], data: Uint16Array.of(0x3c00, 0xc000, 0xfc00) } as const
    expect([...lastLogits(graph, half, 1, 1)]).toEqual([1, -2, -Infinity])
  })

  it.each([
    ['another shape', [1, 3, 2], rows],
    ['something that is no number', [1, 2, 3], [...rows.slice(0, 5), NaN]],
  ])('with %s are not believed', (_what, shape, values) => {
    const read = () => lastLogits(graph, { dtype: 'float32', shape, data: Float32Array.from(values) }, 2, 2)
    expect(read).toThrow(expect.objectContaining({ code: 'OUTPUT_INVALID' }))
  })
})

/** A sequence whose runs are written down as [tokens before, ids, keep]; one of them may fail. */
function sequenceOf(vocabularySize: number, failing?: number) {
  const runs: [number, readonly number[], number][] = []
  let live = 0
  const cacheOf = (length: number): KvCache => {
    live += 1
    return {
      length,
      bytes: length,
      first: (_borrowed, length) => cacheOf(length),
      release: () => (live -= 1),
      run: async (_borrowed, ids, keep) => {
        runs.push([length, ids, keep])
        if (runs.length === failing) throw new EdgewardError('RUN_FAILED', 'It failed.')
        return { logits: new Float32Array(keep), cache: cacheOf(length + ids.length) }
      },
    }
  }
  const sequence = new OrtSequence({
    graph: { ...graph, config: { ...config, vocabularySize } },
    caches: { empty: () => cacheOf(0), release: () => undefined },
    inTurn: (signal, work) => (signal.throwIfAborted(), work({} as BorrowedSession)), // None of it is asked of it.
    release: (work) => work(),
    onDispose: () => undefined,
  })
  return { sequence, runs, live: () => live }
}

/** Two rows of so many logits make up what comes at most from one run. */
const twoRows = 8 * 1024 ** 2
const signal = neverAborted()

describe('a sequence', () => {
  it('is run in pieces where all logits come, so that they take bounded memory', async () => {
    const { sequence, runs } = sequenceOf(twoRows)
    expect(await sequence.append([1, 2, 3, 4, 5], 1, signal)).toHaveLength(1)
    expect(runs).toEqual([
      [0, [1, 2], 1],
      [2, [3], 1],
      [3, [4, 5], 1],
    ])
    await sequence.append([6, 7, 8, 9], 4, signal)
    expect(runs[3]).toEqual([5, [6, 7, 8, 9], 4])
  })

  it('is as it was when one of its pieces fails, and when the caller stops it between them', async () => {
    const { sequence, runs } = sequenceOf(twoRows, 3)
    await sequence.append([1], 1, signal)
    await expect(sequence.append([2, 3, 4, 5], 1, signal)).rejects.toMatchObject({ code: 'RUN_FAILED' })
    expect(sequence.length).toBe(1)
    const stopped = AbortSignal.abort(new Error('enough'))
    await expect(sequence.append([6], 1, stopped)).rejects.toThrow('enough')
    await sequence.append([6], 1, signal)
    expect(runs.at(-1)).toEqual([1, [6], 1])
  })

  it('has one cache at a time, and none when it is disposed', async () => {
    const { sequence, live } = sequenceOf(3)
    await sequence.append([1, 2, 3], 1, signal)
    sequence.truncate(1)
    await sequence.append([2], 1, signal)
    sequence.truncate(0)
    await sequence.append([2], 1, signal)
    expect(live()).toBe(1)
    sequence.dispose()
    sequence.dispose()
    expect(live()).toBe(0)
    await expect(sequence.append([1], 1, signal)).rejects.toMatchObject({ code: 'DISPOSED' })
  })

  it('cannot be cut to more than it has', async () => {
    const { sequence } = sequenceOf(3)
    await sequence.append([1, 2], 1, signal)
    expect(() => sequence.truncate(3)).toThrow('A sequence of 2 tokens cannot be cut to 3.')
  })
})
