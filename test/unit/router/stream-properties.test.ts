/** Wherever a stream is cut and whoever goes on, its reader has each character once, and all that was tried is told. */
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Placement } from '../../../packages/sdk/src/contract/index.js'
import { errorRules, isEdgewardError, type ErrorCode } from '../../../packages/sdk/src/errors/index.js'
import type { StreamContext } from '../../../packages/sdk/src/router/streams.js'
import { elsewhere, nameOf, planned, remote, wasm, webgpu, type Name } from './dispatching.js'
import { readAll, stream, type Writing } from './streaming.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const placements: Readonly<Record<Name, Placement>> = { webgpu, wasm, remote, elsewhere }
const names = ['webgpu', 'wasm', 'remote', 'elsewhere'] as const
const codes = Object.keys(errorRules) as ErrorCode[]
/** Failures after which every other placement may go on. */
const passing = codes.filter((code) => errorRules[code].fallback === 'placement' && code !== 'OUT_OF_MEMORY')

const texts = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
const plans = fc.shuffledSubarray([...names], { minLength: 1 })

/** What each placement does, time after time. */
function scripts(...by: readonly (ErrorCode | 'hang')[]): fc.Arbitrary<Readonly<Record<Name, readonly Writing[]>>> {
  const cut = fc.record(
    { after: fc.nat({ max: 40 }), by: fc.constantFrom(...by), resumable: fc.constant(false as const) },
    { requiredKeys: ['after', 'by'] },
  )
  const writing = fc.record(
    { size: fc.integer({ min: 1, max: 9 }), ids: fc.boolean(), ms: fc.nat({ max: 400 }), cut, deaf: fc.boolean() },
    { requiredKeys: ['size'] },
  )
  const writings = fc.array(writing, { minLength: 1, maxLength: 3 })
  return fc.record({ webgpu: writings, wasm: writings, remote: writings, elsewhere: writings })
}

/** Failures that the next one goes on after. */
const cuts = scripts(...passing).map(withoutRefusals)

const circumstances = fc.record({
  floor: fc.constantFrom(0, 0, 5, 1_000),
  homeAtMs: fc.option(fc.nat({ max: 3_000 }), { nil: undefined }),
  onSeam: fc.constantFrom('restart' as const, 'error' as const),
  abortAtMs: fc.option(fc.nat({ max: 4_000 }), { nil: undefined }),
  cancelAfter: fc.option(fc.nat({ max: 12 }), { nil: undefined }),
})
type Circumstances = typeof circumstances extends fc.Arbitrary<infer C> ? C : never
const calm: Circumstances = {
  floor: 0,
  homeAtMs: undefined,
  onSeam: 'restart',
  abortAtMs: undefined,
  cancelAfter: undefined,
}

async function play(
  order: readonly Name[],
  script: Partial<Record<Name, readonly Writing[]>>,
  text: string,
  { floor, homeAtMs, onSeam, abortAtMs }: Circumstances = calm,
) {
  const caller = new AbortController()
  const comingHome: StreamContext['comingHome'] = ([first]) =>
    new Promise((resolve) => void setTimeout(() => first && resolve(first), homeAtMs))
  const home = homeAtMs === undefined ? {} : { comingHome, prefersDevice: true }
  const set = stream(
    order.map((name) => planned(placements[name])),
    script,
    { text, signal: caller.signal, context: { onSeam, minTokensPerSecond: floor, ...home } },
  )
  const reading = readAll(set.events)
  if (abortAtMs !== undefined) setTimeout(() => caller.abort('gone'), abortAtMs)
  await vi.advanceTimersByTimeAsync(200_000)
  caller.abort('gone')
  const read = await reading
  await vi.advanceTimersByTimeAsync(200_000)
  return { ...set, ...read }
}

it('the text is the uncut one, whoever was cut where, in which direction, in pieces of whatever size', async () => {
  await fc.assert(
    fc.asyncProperty(plans, cuts, texts, async (order, script, text) => {
      const { text: read, error, segments } = await play(order, withLast(order, script), text)
      expect(error).toBeUndefined()
      expect(read).toBe(text)
      let at = 0
      for (const { from, to } of segments) {
        expect(from).toBe(at)
        expect(to).toBeGreaterThan(from)
        at = to
      }
      expect(at).toBe(text.length)
    }),
  )
})

it('what is read is the beginning of the uncut text, whatever happens, also where it moves on purpose', async () => {
  await fc.assert(
    fc.asyncProperty(plans, scripts(...codes, 'hang'), texts, circumstances, async (order, script, text, around) => {
      const { text: read, error, seen } = await play(order, script, text, around)
      expect(text.startsWith(read)).toBe(true)
      const isFinished = seen.some(({ type }) => type === 'finish')
      expect(isFinished).toBe(error === undefined)
      if (isFinished) expect(read).toBe(text)
      if (error !== undefined && error !== 'gone') expect(isEdgewardError(error)).toBe(true)
      if (around.onSeam === 'error') expect(seen.some(({ type }) => type === 'restart')).toBe(false)
    }),
  )
})

it('every attempt is told once, and one of them has answered where the stream has finished', async () => {
  await fc.assert(
    fc.asyncProperty(plans, scripts(...codes, 'hang'), texts, circumstances, async (order, script, text, around) => {
      const { asked, tried, error } = await play(order, script, text, around)
      expect(tried.map(({ placement }) => nameOf(placement)).sort()).toEqual(asked.map(({ name }) => name).sort())
      const answered = tried.filter(({ outcome }) => outcome === 'answered')
      expect(answered).toHaveLength(error === undefined ? 1 : 0)
    }),
  )
})

it('the order of what is read holds: a placement, then a start, before any text, and nothing after the end', async () => {
  await fc.assert(
    fc.asyncProperty(plans, scripts(...codes, 'hang'), texts, circumstances, async (order, script, text, around) => {
      const { seen } = await play(order, script, text, around)
      const types = seen.map(({ type }) => type)
      if (types.length > 0) expect(types.slice(0, 2)).toEqual(['placement', 'start'].slice(0, types.length))
      types.forEach((type, index) => {
        if (type === 'restart') expect(types[index + 1] ?? 'placement').toBe('placement')
        if (type === 'finish') expect(index).toBe(types.length - 1)
      })
    }),
  )
})

it('nobody writes after the reader has gone, and everybody who did hears of it', async () => {
  await fc.assert(
    fc.asyncProperty(plans, cuts, texts, fc.nat({ max: 12 }), async (order, script, text, reads) => {
      const { events, asked, tried } = stream(
        order.map((name) => planned(placements[name])),
        withLast(order, script),
        { text },
      )
      const reader = events.getReader()
      for (let read = 0; read < reads; read += 1) {
        const next = reader.read()
        await vi.advanceTimersByTimeAsync(60_000)
        await next
      }
      await reader.cancel('enough')
      await vi.advanceTimersByTimeAsync(1_000)
      const pulls = asked.map((each) => each.pulls)
      await vi.advanceTimersByTimeAsync(200_000)
      expect(asked.map((each) => each.pulls)).toEqual(pulls)
      expect(tried).toHaveLength(asked.length)
    }),
  )
})

/** The last placement of the plan writes to the end. */
function withLast(order: readonly Name[], script: Readonly<Record<Name, readonly Writing[]>>) {
  const last = order.at(-1)
  return last === undefined ? script : { ...script, [last]: [{ size: script[last][0]?.size ?? 1 }] }
}

function withoutRefusals(script: Readonly<Record<Name, readonly Writing[]>>) {
  const plain = (writings: readonly Writing[]) =>
    writings.map(({ cut, ...writing }) => ({ ...writing, ...(cut && { cut: { after: cut.after, by: cut.by } }) }))
  const { webgpu: gpu, wasm: cpu, remote: one, elsewhere: other } = script
  return { webgpu: plain(gpu), wasm: plain(cpu), remote: plain(one), elsewhere: plain(other) }
}
