/** KV caches of language models on the CPU: in the heap and through the public API they give the same, and are freed. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { LanguageModel } from '../../packages/sdk/src/generation/index.js'
import { createDeferred, neverAborted } from '../../packages/sdk/src/shared/index.js'
import type { Runtime } from '../../packages/sdk/src/worker/runtime-build.js'
import { startOnPage, tinyConfig, tinyModel, tinyTurn, type TinyGraph } from './support/tiny-language-model.js'

type Exports = Record<string, (...args: readonly number[]) => number>

const layouts: readonly (readonly [string, TinyGraph])[] = [
  ['Attention, as Edgeward builds it', { attention: 'Attention' }],
  ['Attention, with float16 caches and all logits', { attention: 'Attention', cache: 'float16', keepsLogits: false }],
  ['GroupQueryAttention without positions', { attention: 'GroupQueryAttention', hasPositions: false }],
  ['GroupQueryAttention, with all logits', { attention: 'GroupQueryAttention', keepsLogits: false }],
]
const ids = Array.from({ length: 24 }, (_, index) => (index * 7 + 3) % tinyConfig.vocabularySize)
const signal = neverAborted()

let runtime: Runtime
beforeAll(async () => {
  runtime = await startOnPage('wasm')
})

/** The runtime as it would be with other exports. */
function withExports(change: (exports: Exports) => Exports): Runtime {
  const exports = runtime.emscripten as Exports
  return { ...runtime, emscripten: { ...exports, ...change(exports) } }
}

/** An export that tells of its calls. */
function counting(exports: Exports, name: string, count: (...args: readonly number[]) => void): Exports[string] {
  return (...args) => {
    count(...args)
    return exports[name]?.(...args) ?? NaN
  }
}

const withoutHeap = () => ({ ...runtime, emscripten: undefined })

/** What the model gives after `ids`, computed at once. */
async function whole(model: LanguageModel, ids: readonly number[], keep = 1): Promise<number[]> {
  const sequence = model.createSequence()
  const logits = await sequence.append(ids, keep, signal)
  sequence.dispose()
  return [...logits]
}

function expectNear(found: ArrayLike<number>, right: readonly number[], digits = 5): void {
  expect(found.length).toBe(right.length)
  for (const [index, logit] of right.entries()) expect(found[index]).toBeCloseTo(logit, digits)
}

/** All that is done to sequences, and the logits that came. */
async function story(model: LanguageModel): Promise<number[][]> {
  const [one, other] = [model.createSequence(), model.createSequence()]
  const logits: number[][] = []
  const append = async (sequence: typeof one, from: number, to: number, keep = 1) => {
    logits.push([...(await sequence.append(ids.slice(from, to), keep, signal))])
  }
  await append(one, 0, 8)
  await append(other, 3, 5, 2)
  await append(one, 8, 14, 3)
  await append(other, 5, 6)
  one.truncate(5)
  await append(one, 5, 9, 4)
  one.truncate(0)
  await append(one, 2, 4)
  other.truncate(1)
  await append(other, 10, 12)
  expect([one.length, other.length]).toEqual([2, 3])
  one.dispose()
  other.dispose()
  return logits
}

describe.each(layouts)('%s', (_name, layout) => {
  it('gives the same from the heap as through the public API, whatever is done to sequences', async () => {
    const { model: heap } = await tinyModel(runtime, layout)
    const { model: copied } = await tinyModel(withoutHeap(), layout)
    expect([heap.kv.way, copied.kv]).toEqual([
      layout.attention === 'Attention' ? 'heap' : 'shared',
      expect.objectContaining({ way: 'copied', reason: 'build' }),
    ])
    expect(await story(heap)).toEqual(await story(copied))
  })

  it('in pieces, with tokens taken back, gives what it gives at once', async () => {
    const { model } = await tinyModel(runtime, layout)
    // Caches of float16 are rounded, between pieces.
    const digits = layout.cache === 'float16' ? 2 : 5
    const sequence = model.createSequence()
    await sequence.append(ids.slice(0, 9), 1, signal)
    await sequence.append([1, 2, 3], 2, signal)
    sequence.truncate(7)
    const rest = ids.slice(7)
    expectNear(await sequence.append(rest, rest.length, signal), await whole(model, ids, rest.length), digits)
    expectNear(await sequence.append([5], 1, signal), await whole(model, [...ids, 5]), digits)
    expect(sequence.length).toBe(ids.length + 1)
  })
})

it('a buffer that is written in place grows with its text', async () => {
  const { model } = await tinyModel(runtime, { attention: 'GroupQueryAttention' })
  expect(model.kv).toEqual({ way: 'shared' })
  const long = Array.from({ length: 540 }, (_, index) => (index * 11 + 5) % tinyConfig.vocabularySize)
  const sequence = model.createSequence()
  const bytes: number[] = []
  for (const [from, to] of [
    [0, 250],
    [250, 257],
    [257, 258],
    [258, 530],
    [530, 540],
  ] as const) {
    expectNear(await sequence.append(long.slice(from, to), 1, signal), await whole(model, long.slice(0, to)), 4)
    bytes.push(model.live.bytes)
  }
  const perToken = 2 * 2 * 2 * 16 * 4
  // By doubling, and no further than the model attends.
  expect(bytes.map((size) => size / perToken)).toEqual([256, 512, 512, 600, 600])
})

it('a sequence whose step was aborted while it waited goes on as if nothing had been asked', async () => {
  const { model } = await tinyModel(runtime, { attention: 'Attention' })
  const sequence = model.createSequence()
  await sequence.append(ids.slice(0, 4), 1, signal)
  const abort = new AbortController()
  const [started, busy] = [createDeferred<undefined>(), createDeferred<undefined>()]
  const other = runtime.queue.run(tinyTurn, () => {
    started.resolve(undefined)
    return busy.promise
  })
  await started.promise
  const aborted = sequence.append([1, 2], 1, abort.signal)
  abort.abort(new Error('enough'))
  await expect(aborted).rejects.toThrow('enough')
  busy.resolve(undefined)
  await other
  expect(sequence.length).toBe(4)
  expectNear(await sequence.append(ids.slice(4, 6), 1, signal), await whole(model, ids.slice(0, 6)))
})

it.each([
  ['Attention', ids.length],
  ['GroupQueryAttention', 256],
] as const)(
  'nothing is left of %s in the heap when the model is disposed, its sequences in use or not',
  async (attention, room) => {
    const left = { values: 0, memory: 0 }
    const counted = withExports((exports) => ({
      _OrtCreateTensor: counting(exports, '_OrtCreateTensor', () => (left.values += 1)),
      // Of its outputs, those that are written in place were there.
      _OrtRun: counting(
        exports,
        '_OrtRun',
        (...args) => (left.values += attention === 'Attention' ? (args[5] ?? 0) : 1),
      ),
      _OrtReleaseTensor: counting(exports, '_OrtReleaseTensor', () => (left.values -= 1)),
      _malloc: counting(exports, '_malloc', () => (left.memory += 1)),
      _free: counting(exports, '_free', () => (left.memory -= 1)),
    }))
    const { model } = await tinyModel(counted, { attention })
    await story(model)
    const sequence = model.createSequence()
    const running = sequence.append(ids, 1, signal)
    expect(model.live).toMatchObject({ sequences: 1 })
    await running
    expect(model.live).toEqual({ sequences: 1, caches: 1, bytes: 2 * 2 * 2 * room * 16 * 4 })
    expect(left.values).toBe(4)
    await model.dispose()
    expect(model.live).toEqual({ sequences: 0, caches: 0, bytes: 0 })
    expect(left).toEqual({ values: 0, memory: 0 })
    await expect(sequence.append([1], 1, signal)).rejects.toMatchObject({ code: 'DISPOSED' })
  },
)

it.each<[string, () => Runtime, object]>([
  [
    'an export is missing',
    () => withExports(() => ({ _OrtRun: undefined }) as never),
    { reason: 'exports', detail: '_OrtRun' },
  ],
  [
    'the runtime is of another version',
    () => ({
      ...runtime,
      ort: { ...runtime.ort, env: { ...runtime.ort.env, versions: { web: '1.99.0', common: '' } } },
    }),
    { reason: 'version', detail: expect.stringContaining('1.99.0') },
  ],
  [
    'the heap gives other numbers',
    () =>
      withExports(({ _OrtGetTensorData: read }) => ({
        _OrtGetTensorData: (value = 0, type = 0, address = 0, ...shape) => {
          const code = read?.(value, type, address, ...shape) ?? NaN
          const word = new Uint32Array(runtime.memory.buffer ?? new ArrayBuffer(), address, 1)
          word[0] = (word[0] ?? 0) + 4
          return code
        },
      })),
    { reason: 'self-check', detail: expect.stringContaining('The logit at 0') },
  ],
  [
    'the heap refuses a run',
    () => withExports(() => ({ _OrtRun: () => 1 })),
    { reason: 'self-check', detail: expect.stringContaining('The run of tiny@1') },
  ],
])('where %s, the public API does it and the reason is told', async (_what, broken, reason) => {
  const { model } = await tinyModel(broken(), { attention: 'Attention' })
  expect(model.kv).toEqual(expect.objectContaining({ way: 'copied', ...reason }))
  const { model: right } = await tinyModel(runtime, { attention: 'Attention' })
  expect(await story(model)).toEqual(await story(right))
})

it('more tokens than the model attends to are refused, and the sequence is as it was', async () => {
  const { model } = await tinyModel(runtime, { attention: 'Attention' })
  const sequence = model.createSequence()
  await sequence.append(ids, 1, signal)
  const tooMany = new Array<number>(tinyConfig.contextLength - ids.length + 1).fill(1)
  await expect(sequence.append(tooMany, 1, signal)).rejects.toMatchObject({ code: 'CONTEXT_OVERFLOW' })
  expectNear(await sequence.append([7], 1, signal), await whole(model, [...ids, 7]))
})
