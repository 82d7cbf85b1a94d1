/** After any sequence of additions, updates, removals, evictions and crashes, the cache holds what it must, and no more. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Manifest, ModelSource } from '../../packages/sdk/src/contract/index.js'
import { storedBytes } from '../../packages/sdk/src/weights/model-record.js'
import { ModelRecords } from '../../packages/sdk/src/weights/model-records.js'
import { planEviction } from '../../packages/sdk/src/weights/plan-eviction.js'
import { weightsDefaults } from '../../packages/sdk/src/weights/settings.js'
import { WeightsDb } from '../../packages/sdk/src/weights/weights-db.js'
import { deleteDatabase, openDatabase, settled } from './support/weights-harness.js'

/** What must be there: the digests that each model needs, whether it is pinned, and every digest that is stored. */
interface Expected {
  readonly models: Map<string, { digests: readonly string[]; isPinned: boolean; usedAt: number }>
  stored: Set<string>
}

/** Where an addition stops: after so many chunks, or not at all. */
type Step =
  | { readonly do: 'add'; readonly id: string; readonly digests: readonly string[]; readonly crashAfter: number }
  | { readonly do: 'pin' | 'remove' | 'rot'; readonly id: string }
  | { readonly do: 'evict'; readonly bytes: number }
  | { readonly do: 'prune' | 'restart' }

const id = fc.constantFrom('a', 'b', 'c')
const digests = fc.uniqueArray(fc.constantFrom('A', 'B', 'C', 'D', 'E', 'F', 'G', 'H'), { minLength: 1, maxLength: 5 })
const never = 99
const crashAfter = fc.oneof({ weight: 3, arbitrary: fc.constant(never) }, { weight: 1, arbitrary: fc.nat(5) })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('add' as const), id, digests, crashAfter }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('pin' as const, 'remove' as const, 'rot' as const), id }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('evict' as const), bytes: fc.nat(6) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('prune' as const, 'restart' as const) }) },
)

/** A model whose chunks are of one byte each; its revision follows from them, as a digest would. */
function sourceOf(model: string, chunks: readonly string[]): ModelSource {
  const file = { path: 'model.onnx', bytes: chunks.length, sha256: chunks.join(''), chunks }
  const manifest: Manifest = {
    schemaVersion: 1,
    id: model,
    revision: chunks.join(''),
    task: 'tensors',
    licence: 'CC0-1.0',
    chunkBytes: 1,
    assets: {},
    config: {},
    variants: [{ dtype: 'fp32', backends: ['wasm'], graphs: { model: { file, inputs: [], outputs: [] } } }],
    provenance: [],
    packedBy: 'the test',
  }
  return { manifest, manifestUrl: `https://models.example/${model}/manifest.json` }
}

const nobody = new Set<string>()
const named = ({ models }: Expected) => new Set([...models.values()].flatMap((model) => model.digests))

/** Forgets models, and the chunks of `digests` that no other one names. */
function forget(expected: Expected, ids: readonly string[]): void {
  const gone = ids.flatMap((model) => expected.models.get(model)?.digests ?? [])
  for (const model of ids) expected.models.delete(model)
  const needed = named(expected)
  for (const digest of gone) if (!needed.has(digest)) expected.stored.delete(digest)
}

async function add(step: Extract<Step, { do: 'add' }>, db: WeightsDb, records: ModelRecords, expected: Expected) {
  const stored = step.digests.slice(0, step.crashAfter)
  for (const digest of stored) await db.put(digest, new Blob(['x']))
  for (const digest of stored) expected.stored.add(digest)
  // A crash leaves it at that: also one after the last chunk and before the record.
  if (step.crashAfter !== never) return
  const usedAt = Date.now()
  expect(await records.publish(sourceOf(step.id, step.digests), 'fp32', nobody)).not.toBe('incomplete')
  const isPinned = expected.models.get(step.id)?.isPinned ?? false
  forget(expected, [step.id])
  for (const digest of step.digests) expected.stored.add(digest)
  expected.models.set(step.id, { digests: step.digests, isPinned, usedAt })
}

async function perform(step: Step, db: WeightsDb, records: ModelRecords, expected: Expected): Promise<void> {
  const known = 'id' in step ? expected.models.get(step.id) : undefined
  if (step.do === 'add') await add(step, db, records, expected)
  if (step.do === 'pin') {
    expect(await records.update(step.id, { isPinned: true })).toBe(known !== undefined)
    if (known) known.isPinned = true
  }
  if (step.do === 'remove') {
    await records.remove([step.id], nobody)
    forget(expected, [step.id])
  }
  if (step.do === 'rot' && known) {
    const rotten = known.digests[0] ?? ''
    await records.withdraw(new Set([rotten]))
    expected.stored.delete(rotten)
    for (const [model, { digests }] of expected.models) if (digests.includes(rotten)) expected.models.delete(model)
  }
  if (step.do === 'evict') {
    const models = await records.all()
    const budgetBytes = storedBytes(models)
    const plan = planEviction({ models, inUse: nobody, inFlight: nobody, neededBytes: step.bytes, budgetBytes })
    expect(await records.remove(plan.drop, nobody)).toBe(plan.freedBytes)
    expect(plan.drop.some((model) => expected.models.get(model)?.isPinned)).toBe(false)
    forget(expected, plan.drop)
  }
  if (step.do === 'prune') {
    await records.prune(nobody)
    expected.stored = named(expected)
  }
}

test('the records name exactly the models that are whole; every chunk they name is there, and none that was let go', async () => {
  const sequences = fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
    const databaseName = `weights-test-${crypto.randomUUID()}`
    const open = () => new WeightsDb({ ...weightsDefaults, databaseName })
    const expected: Expected = { models: new Map(), stored: new Set() }
    let db = open()
    await db.connect()
    try {
      for (const step of steps) {
        if (step.do === 'restart') {
          await db.close()
          db = open()
          await db.connect()
        } else await perform(step, db, new ModelRecords(db), expected)
        const records = await new ModelRecords(db).all()
        const summary = records.map((record) => [record.id, record.chunks.map(({ digest }) => digest), record.isPinned])
        expect(summary).toEqual(
          [...expected.models].map(([model, { digests, isPinned }]) => [model, digests, isPinned]).sort(),
        )
        expect(await chunkKeys(databaseName)).toEqual([...expected.stored].sort())
      }
    } finally {
      await db.close()
      await deleteDatabase(databaseName)
    }
  })
  await fc.assert(sequences, { numRuns: 60 })
})

async function chunkKeys(databaseName: string): Promise<unknown> {
  const database = await openDatabase(databaseName)
  const keys = await settled(database.transaction('chunks').objectStore('chunks').getAllKeys())
  database.close()
  return keys
}
