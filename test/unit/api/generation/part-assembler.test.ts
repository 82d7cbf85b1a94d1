import { describe, expect, it } from 'vitest'
import { PartAssembler } from '../../../../packages/sdk/src/api/generation/part-assembler.js'
import type { Placement } from '../../../../packages/sdk/src/contract/index.js'
import type { RoutedEvent } from '../../../../packages/sdk/src/router/streams.js'

const device: Placement = { engine: 'device', backend: 'wasm', variant: 'q8' }
const remote: Placement = { engine: 'remote', endpoint: 'https://example.org' }
const segments = [{ placement: device, from: 0, to: 5 }]
const placed = (placement: Placement, reason?: string): RoutedEvent => ({
  type: 'placement',
  placement,
  ...(reason !== undefined && { reason }),
})
const start: RoutedEvent = {
  type: 'start',
  format: { reasoning: { open: '<think>', close: '</think>' }, tools: 'hermes' },
}
const delta = (text: string): RoutedEvent => ({ type: 'delta', text })
const finish: RoutedEvent = {
  ...{ type: 'finish', reason: 'stop', usage: { promptTokens: 3, completionTokens: 5 }, timings: {} },
  ...{ segments, attempts: [] },
}

function assemble(events: readonly RoutedEvent[], hasTools = true) {
  const assembler = new PartAssembler(hasTools)
  const parts = events.flatMap((event) => assembler.push(event))
  return { parts, ...assembler.assembled }
}

const finished = {
  ...{ type: 'finish', reason: 'stop', usage: { promptTokens: 3, completionTokens: 5 }, timings: {}, segments },
}

describe('parts of an answer', () => {
  it('tell its text between a start and an end', () => {
    const { parts, answer } = assemble([placed(device), start, delta('Hel'), delta('lo'), finish])
    expect(parts).toEqual([
      { type: 'placement', placement: device },
      { type: 'text-start' },
      { type: 'text-delta', text: 'Hel' },
      { type: 'text-delta', text: 'lo' },
      { type: 'text-end' },
      finished,
    ])
    expect(answer).toEqual({ text: 'Hello', toolCalls: [], finishReason: 'stop', segments })
  })

  it('tell reasoning apart, also where a new placement goes on in the middle of it', () => {
    const inside: RoutedEvent = { type: 'start', format: { startsInReasoning: true } }
    const moved = placed(remote, 'the GPU was lost')
    const { answer, parts } = assemble([
      ...[placed(device), start, delta('<think>a'), moved, inside, delta('b</think>c'), finish],
    ])
    expect(answer).toMatchObject({ reasoning: 'ab', text: 'c' })
    expect(parts.filter(({ type }) => type === 'reasoning-start')).toHaveLength(1)
    expect(parts).toContainEqual({ type: 'placement', placement: remote, reason: 'the GPU was lost' })
  })

  it('have each call in pieces, then whole', () => {
    const { parts, answer } = assemble([
      start,
      delta('<tool_call>{"name":"f","arguments":{"a"'),
      delta(':1}}</tool_call>'),
      finish,
    ])
    const [call] = answer.toolCalls
    expect(call).toEqual({ id: expect.stringMatching(/^call_\d+$/) as string, name: 'f', arguments: '{"a":1}' })
    expect(parts.map(({ type }) => type)).toEqual([
      ...['tool-call-delta', 'tool-call-delta', 'tool-call-delta', 'tool-call', 'finish'],
    ])
    expect(answer.finishReason).toBe('tool-calls')
  })

  it('have the calls that an endpoint has read itself', () => {
    const call = (index: number, id: string | undefined, name: string | undefined, text: string): RoutedEvent => ({
      ...{ type: 'tool-call', call: index, arguments: text },
      ...(id !== undefined && { id }),
      ...(name !== undefined && { name }),
    })
    const { answer } = assemble([
      start,
      call(0, 'x', 'f', ''),
      call(0, undefined, undefined, '{}'),
      call(1, 'y', 'g', '[]'),
      finish,
    ])
    expect(answer.toolCalls).toEqual([
      { id: 'x', name: 'f', arguments: '{}' },
      { id: 'y', name: 'g', arguments: '[]' },
    ])
  })

  it('have the calls of an endpoint that numbers them as it likes', () => {
    const call = (index: number, name: string): RoutedEvent => ({
      ...{ type: 'tool-call', call: index, name, arguments: '{}' },
    })
    const { answer, parts } = assemble([start, call(1, 'f'), call(Number.MAX_SAFE_INTEGER, 'g'), finish])
    expect(answer.toolCalls.map(({ name }) => name)).toEqual(['f', 'g'])
    expect(parts.filter(({ type }) => type === 'tool-call')).toMatchObject([{ call: 0 }, { call: 1 }])
  })

  it('forget what came before a restart', () => {
    const restart: RoutedEvent = { type: 'restart', reason: 'nobody could go on' }
    const { answer, parts } = assemble([
      start,
      delta('<think>old'),
      restart,
      placed(remote),
      start,
      delta('new'),
      finish,
    ])
    expect(answer).toEqual({ text: 'new', toolCalls: [], finishReason: 'stop', segments })
    expect(parts.map(({ type }) => type)).toEqual([
      ...['reasoning-start', 'reasoning-delta', 'reasoning-end', 'restart', 'placement'],
      ...['text-start', 'text-delta', 'text-end', 'finish'],
    ])
  })

  it('carry the log probabilities of their tokens, once', () => {
    const logprobs = [{ token: 'a', logprob: -0.5 }]
    const { answer, parts } = assemble([start, { type: 'delta', text: 'a', logprobs }, finish])
    expect(parts).toContainEqual({ type: 'text-delta', text: 'a', logprobs })
    expect(answer.logprobs).toEqual(logprobs)
  })

  it('carry those of tokens that were held back with the text that these turn out to be', () => {
    const of = (text: string): RoutedEvent => ({ type: 'delta', text, logprobs: [{ token: text, logprob: -1 }] })
    const { parts } = assemble([start, of('<'), of('3'), of('<'), finish])
    const told = parts.flatMap((part) => (part.type === 'text-delta' ? [part] : []))
    expect(told.map(({ text }) => text)).toEqual(['<3', '<'])
    expect(told.flatMap(({ logprobs = [] }) => logprobs).map(({ token }) => token)).toEqual(['<', '3', '<'])
  })
})
