/** A stream outlives whoever writes it: what its reader sees when placements fail, one after the other. */
import { expect, it, vi } from 'vitest'
import { planned, remote, elsewhere, wasm, webgpu } from './dispatching.js'
import { placesOf, readAll, stream, words } from './streaming.js'

it('writes an answer at the first placement, with its placement first and who wrote what at its end', async () => {
  const { events, asked, ends } = stream([wasm, remote], {})
  const { text, seen, segments } = await readAll(events)
  expect(text).toBe(words)
  expect(seen.slice(0, 2)).toMatchObject([{ type: 'placement', placement: wasm }, { type: 'start' }])
  expect(seen.at(-1)).toMatchObject({ type: 'finish', reason: 'stop', attempts: [] })
  expect(segments).toEqual([{ placement: wasm, from: 0, to: words.length }])
  expect(asked).toHaveLength(1)
  expect(ends()).toEqual([['wasm', 'answered']])
})

it('goes on at the endpoint where the device was lost, with its text, its ids and what is spent', async () => {
  const cut = { after: 10, by: 'OUT_OF_MEMORY' } as const
  const { events, asked, told, moves } = stream([wasm, remote], { wasm: { cut, size: 5 } })
  const { text, seen, segments } = await readAll(events)
  expect(text).toBe(words)
  expect(placesOf(seen)).toEqual(['wasm', 'remote'])
  const tokenIds = Array.from(words.slice(0, 10), (each) => each.charCodeAt(0))
  const resume = { text: words.slice(0, 10), tokenIds, promptIds: [1, 2, 3], usedTokens: 10 }
  expect(asked[1]?.request.resume).toEqual(resume)
  expect(segments).toEqual([
    { placement: wasm, from: 0, to: 10 },
    { placement: remote, from: 10, to: words.length },
  ])
  expect(told).toMatchObject([{ placement: wasm, code: 'OUT_OF_MEMORY' }])
  expect(moves).toMatchObject([{ from: wasm, to: remote, why: 'failure', isRestart: false }])
  expect(seen.at(-1)).toMatchObject({ usage: { promptTokens: 3, completionTokens: words.length } })
})

it('counts the tokens of a whole answer, also those at its end that have no text', async () => {
  const rest = { type: 'delta', text: 'k', tokenIds: [107] } as const
  const finish = { type: 'finish', reason: 'stop', usage: { completionTokens: 8 }, timings: {} } as const
  const cut = { after: 6, by: 'RUN_FAILED' } as const
  const { events } = stream([wasm, remote], { wasm: { cut }, remote: { events: [rest, finish] } })
  const { seen } = await readAll(events)
  expect(seen.at(-1)).toMatchObject({ usage: { promptTokens: 3, completionTokens: 8 } })
})

it('goes on at the device where the endpoint broke off', async () => {
  const { events, ends } = stream([remote, wasm], { remote: { cut: { after: 7, by: 'REMOTE_MALFORMED' }, ids: false } })
  const { text, seen } = await readAll(events)
  expect(text).toBe(words)
  expect(placesOf(seen)).toEqual(['remote', 'wasm'])
  expect(seen).toContainEqual(
    expect.objectContaining({ type: 'placement', reason: expect.stringContaining('REMOTE_MALFORMED') as string }),
  )
  expect(ends()).toEqual([
    ['remote', 'REMOTE_MALFORMED'],
    ['wasm', 'answered'],
  ])
})

it('goes on in a fresh worker where nobody else is there', async () => {
  const onReplay = vi.fn()
  const lost = { cut: { after: 9, by: 'WORKER_DIED' } } as const
  const { events, asked } = stream([wasm], { wasm: [lost, {}] }, { context: { onReplay } })
  const { text, segments } = await readAll(events)
  expect(text).toBe(words)
  expect(asked).toHaveLength(2)
  expect(onReplay).toHaveBeenCalledWith(wasm)
  expect(segments).toEqual([{ placement: wasm, from: 0, to: words.length }])
})

it('shows nothing of a placement that fails before its first text', async () => {
  const { events, asked } = stream([wasm, remote], { wasm: { cut: { after: 0, by: 'RUN_FAILED' } } })
  const { text, seen } = await readAll(events)
  expect(text).toBe(words)
  expect(placesOf(seen)).toEqual(['remote'])
  expect(asked[1]?.request.resume).toBeUndefined()
})

it('asks an engine for nothing before somebody reads, and for one event at a time', async () => {
  const { events, asked } = stream([wasm], {})
  await Promise.resolve()
  expect(asked).toHaveLength(0)
  const reader = events.getReader()
  for (let reads = 0; reads < 4; reads += 1) await reader.read()
  await new Promise((resolve) => setTimeout(resolve, 5))
  // Placement, start and two deltas were read: the start and the deltas were asked for.
  expect(asked[0]?.pulls).toBe(3)
  await reader.cancel()
})

it('ends whoever writes when the reader goes, and tells it as what it is', async () => {
  const { events, asked, ends } = stream([wasm, remote], {})
  const reader = events.getReader()
  for (let reads = 0; reads < 3; reads += 1) await reader.read()
  await reader.cancel('enough')
  await vi.waitFor(() => expect(ends()).toEqual([['wasm', 'aborted']]))
  expect(asked).toMatchObject([{ name: 'wasm', isCancelled: true }])
})

it("ends with the caller's own reason at once, also where the engine does not listen, and asks nobody else", async () => {
  const caller = new AbortController()
  const hanging = { cut: { after: 4, by: 'hang' }, deaf: true } as const
  const { events, asked, ends } = stream([wasm, remote], { wasm: hanging }, { signal: caller.signal })
  const reader = events.getReader()
  for (let reads = 0; reads < 3; reads += 1) await reader.read()
  const read = reader.read()
  caller.abort('gone')
  await expect(read).rejects.toBe('gone')
  expect(asked).toHaveLength(1)
  expect(ends()).toEqual([['wasm', 'aborted']])
})

it('ends with the caller’s own reason while nobody reads', async () => {
  const caller = new AbortController()
  const { events, asked } = stream([wasm, remote], {}, { signal: caller.signal })
  const reader = events.getReader()
  await reader.read()
  caller.abort('gone')
  await expect(reader.read()).rejects.toBe('gone')
  expect(asked).toHaveLength(1)
})

it('ends with DEADLINE_EXCEEDED when the time is over in mid-stream', async () => {
  const { events, ends } = stream([wasm, remote], { wasm: { cut: { after: 4, by: 'hang' } } }, { deadlineMs: 30 })
  const { error, text } = await readAll(events)
  expect(text).toBe(words.slice(0, 4))
  expect(error).toMatchObject({ code: 'DEADLINE_EXCEEDED', details: { attempts: [{ placement: wasm }] } })
  expect(ends()).toEqual([['wasm', 'DEADLINE_EXCEEDED']])
})

it('ends with what nobody else would answer better', async () => {
  const { events, asked } = stream([wasm, remote], { wasm: { cut: { after: 4, by: 'INVALID_INPUT' } } })
  expect(await readAll(events)).toMatchObject({ error: { code: 'INVALID_INPUT' } })
  expect(asked).toHaveLength(1)
})

it('tells all attempts when every placement has failed', async () => {
  const failing = (after: number) => ({ cut: { after, by: 'RUN_FAILED' } }) as const
  const { events } = stream([webgpu, remote], { webgpu: failing(8), remote: failing(8) })
  const { error, text } = await readAll(events)
  expect(text).toBe(words.slice(0, 16))
  expect(error).toMatchObject({
    code: 'ALL_PLACEMENTS_FAILED',
    details: { attempts: [{ placement: webgpu }, { placement: remote }] },
  })
})

it('does not ask an engine that cannot write', async () => {
  const engine = { kind: 'remote', prepare: vi.fn(), run: vi.fn(), dispose: vi.fn() } as const
  const engines = { remotes: new Map([[remote.endpoint, engine]]) }
  const { events } = stream([remote], {}, { context: { engines } })
  const { error } = await readAll(events)
  expect(error).toMatchObject({ code: 'NO_PLACEMENT' })
  expect((error as Error).message).toContain('it cannot generate text')
})

it('is at its end when all tokens were written and only the end was lost', async () => {
  const lost = { cut: { after: 12, by: 'REMOTE_FAILED' } } as const
  const { events, asked } = stream([remote, wasm], { remote: lost }, { options: { maxTokens: 12 } })
  const { text, seen, error } = await readAll(events)
  expect(error).toBeUndefined()
  expect(text).toBe(words.slice(0, 12))
  expect(seen.at(-1)).toMatchObject({ type: 'finish', reason: 'length', usage: { completionTokens: 12 } })
  expect(asked).toHaveLength(1)
})

it('tells a format anew where the next engine marks its text up in another way', async () => {
  const format = { reasoning: { open: '<think>', close: '</think>' } }
  const { events } = stream([remote, wasm], {
    remote: { cut: { after: 8, by: 'REMOTE_FAILED' } },
    wasm: { format: { ...format, startsInReasoning: true } },
  })
  const { seen } = await readAll(events)
  const starts = seen.filter(({ type }) => type === 'start')
  expect(starts).toMatchObject([{ format: {} }, { format: { ...format, startsInReasoning: false } }])
})

it('asks an endpoint again, from where it stopped, when nobody else is left', async () => {
  const { RetryBudget } = await import('../../../packages/sdk/src/router/index.js')
  const retry = { budget: new RetryBudget(), random: () => 0 }
  const busy = { cut: { after: 5, by: 'REMOTE_UNREACHABLE' } } as const
  const { events, asked } = stream([remote], { remote: [busy, busy, {}] }, { context: { retry } })
  const { text } = await readAll(events)
  expect(text).toBe(words)
  expect(asked.map(({ request }) => request.resume?.usedTokens)).toEqual([undefined, 5, 10])
})

it('begins at the next endpoint when planned placements are not the device’s', async () => {
  const { events } = stream([planned(elsewhere), planned(remote)], {
    elsewhere: { cut: { after: 6, by: 'REMOTE_OVERLOADED' } },
  })
  const { text, seen } = await readAll(events)
  expect(text).toBe(words)
  expect(placesOf(seen)).toEqual(['elsewhere', 'remote'])
})
