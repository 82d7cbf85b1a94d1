/** Where an answer cannot be gone on with without a seam, it goes elsewhere, begins again, or fails, as the caller says. */
import { describe, expect, it } from 'vitest'
import type { GenerationEvent } from '../../../packages/sdk/src/contract/index.js'
import { isInsideMarkup, isInsideReasoning } from '../../../packages/sdk/src/router/stream-markup.js'
import { elsewhere, remote, wasm } from './dispatching.js'
import { placesOf, readAll, stream, words } from './streaming.js'

const lost = { after: 8, by: 'REMOTE_FAILED' } as const
const refusal = { cut: { after: 0, by: 'REMOTE_REJECTED', resumable: false } } as const
const thinking = { reasoning: { open: '<think>', close: '</think>' } }

describe('an answer that an engine refuses to go on with', () => {
  it('is gone on with by one further down the plan that can', async () => {
    const { events } = stream([remote, elsewhere, wasm], { remote: { cut: lost }, elsewhere: refusal })
    const { text, seen, segments } = await readAll(events)
    expect(text).toBe(words)
    expect(placesOf(seen)).toEqual(['remote', 'wasm'])
    expect(segments.map(({ placement }) => placement)).toEqual([remote, wasm])
    expect(seen.some(({ type }) => type === 'restart')).toBe(false)
  })

  it('begins again, visibly, where nobody can', async () => {
    const { events, asked, moves } = stream([remote, elsewhere], { remote: { cut: lost }, elsewhere: [refusal, {}] })
    const { text, seen, segments } = await readAll(events)
    expect(text).toBe(words)
    const at = seen.findIndex(({ type }) => type === 'restart')
    expect(seen.slice(at, at + 3)).toMatchObject([
      { type: 'restart', reason: expect.stringContaining('REMOTE_FAILED') as string },
      { type: 'placement', placement: elsewhere },
      { type: 'start' },
    ])
    expect(segments).toEqual([{ placement: elsewhere, from: 0, to: words.length }])
    expect(asked.map(({ request }) => request.resume?.text)).toEqual([undefined, words.slice(0, 8), undefined])
    expect(moves).toMatchObject([{ from: remote, to: elsewhere, isRestart: true }])
  })

  it('fails where the caller wants no seam, and says why', async () => {
    const set = { context: { onSeam: 'error' } } as const
    const { events, asked } = stream([remote, elsewhere], { remote: { cut: lost }, elsewhere: refusal }, set)
    const { text, error } = await readAll(events)
    expect(text).toBe(words.slice(0, 8))
    expect(error).toMatchObject({ code: 'ALL_PLACEMENTS_FAILED', details: { ruledOut: [{ placement: elsewhere }] } })
    expect(asked).toHaveLength(2)
  })

  it('fails as everybody did where also its second beginning fails', async () => {
    const dead = { cut: { after: 0, by: 'REMOTE_FAILED' } } as const
    const { events } = stream([remote, elsewhere], { remote: { cut: lost }, elsewhere: [refusal, dead] })
    const { seen, error } = await readAll(events)
    expect(error).toMatchObject({ code: 'ALL_PLACEMENTS_FAILED' })
    expect(seen.some(({ type }) => type === 'restart')).toBe(false)
  })
})

describe('an endpoint is not asked to go on', () => {
  it('with a text that must follow a schema: it would begin the schema afresh', async () => {
    const options = { responseFormat: { type: 'json_object' } } as const
    const { events, asked } = stream([wasm, remote], { wasm: { cut: { after: 8, by: 'RUN_FAILED' } } }, { options })
    const { text, seen } = await readAll(events)
    expect(text).toBe(words)
    expect(asked[1]?.request.resume).toBeUndefined()
    expect(seen.some(({ type }) => type === 'restart')).toBe(true)
  })

  it('with half a thought, but by its ids', async () => {
    const text = '<think>Hm, this is hard.</think>It is 42, which is the answer.'
    const cut = { after: 12, by: 'RUN_FAILED' } as const
    const whole = stream([wasm, remote], { wasm: { cut, format: thinking } }, { text })
    await readAll(whole.events)
    expect(whole.asked[1]?.request.resume).toMatchObject({ text: text.slice(0, 12), onlyByIds: true })
    const without = stream([wasm, remote], { wasm: { cut, format: thinking, ids: false } }, { text })
    const { text: answer } = await readAll(without.events)
    expect(answer).toBe(text)
    expect(without.asked[1]?.request.resume).toBeUndefined()
  })

  it('with a call that another endpoint has read out of the text; nor is the device', async () => {
    const events: GenerationEvent[] = [{ type: 'tool-call', call: 0, name: 'weather', arguments: '{"ci' }]
    const set = stream([remote, wasm], { remote: { events, cut: { after: 0, by: 'REMOTE_FAILED' } } })
    const { seen, text, segments } = await readAll(set.events)
    expect(text).toBe(words)
    expect(seen.map(({ type }) => type)).toContain('restart')
    expect(segments).toEqual([{ placement: wasm, from: 0, to: words.length }])
  })
})

it('the device goes on under a schema and in half a thought', async () => {
  const options = { responseFormat: { type: 'json_object' } } as const
  const text = '<think>Hm, this is hard.</think>{"answer": 42}'
  const cut = { after: 20, by: 'REMOTE_MALFORMED' } as const
  const { events, asked } = stream([remote, wasm], { remote: { cut, format: thinking, ids: false } }, { text, options })
  expect(await readAll(events)).toMatchObject({ text })
  expect(asked[1]?.request.resume).toMatchObject({ text: text.slice(0, 20) })
})

describe('where a text ends in its markup', () => {
  const format = { ...thinking, tools: 'hermes' } as const

  it.each([
    ['', false],
    ['The answer', false],
    ['<think>The', true],
    ['<think>The</think>', false],
    ['<think>The</thi', true],
    ['The <', true],
    ['<think>x</think>a<tool_call>{', true],
    ['<tool_call>{}</tool_call>', false],
    ['<tool_call>{}</tool_call> and <tool_', true],
  ])('%j: inside is %s', (text, isInside) => expect(isInsideMarkup(text, format, true)).toBe(isInside))

  it('starts inside where the template has opened the thought', () => {
    const open = { ...thinking, startsInReasoning: true }
    expect(isInsideReasoning('Hm', open)).toBe(true)
    expect(isInsideReasoning('Hm</think>So', open)).toBe(false)
  })

  it('heeds calls only where there are tools', () => {
    expect(isInsideMarkup('<tool_call>{', format, false)).toBe(false)
    expect(isInsideMarkup(' {"name": "f"', { tools: 'llama3' }, true)).toBe(true)
    expect(isInsideMarkup('Hi {"name": "f"', { tools: 'llama3' }, true)).toBe(false)
    expect(isInsideMarkup('<think>x</think>\n<|python_tag|>', { ...thinking, tools: 'llama3' }, true)).toBe(true)
  })
})
