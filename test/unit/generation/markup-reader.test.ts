import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MarkupReader, type MarkupOptions } from '../../../packages/sdk/src/generation/markup/markup-reader.js'
import type { Piece } from '../../../packages/sdk/src/generation/markup/pieces.js'

const qwen: MarkupOptions = { reasoning: { open: '<think>', close: '</think>' }, tools: 'hermes', hasTools: true }
const llama: MarkupOptions = { tools: 'llama3', hasTools: true }

/** Neighbours of one kind are one piece, however the text was cut. */
function joined(pieces: readonly Piece[]): Piece[] {
  const out: Piece[] = []
  for (const piece of pieces) {
    const last = out.at(-1)
    if (last && 'text' in last && 'text' in piece && last.type === piece.type) {
      out[out.length - 1] = { ...last, text: last.text + piece.text }
    } else out.push(piece)
  }
  return out
}

function read(options: MarkupOptions, parts: readonly string[]): Piece[] {
  const reader = new MarkupReader(options)
  return joined([...parts.flatMap((part) => reader.push(part)), ...reader.end()])
}

const whole = (options: MarkupOptions, text: string) => read(options, [text])

describe('reasoning', () => {
  it('is told apart from the answer', () => {
    expect(whole(qwen, '<think>\nHm.\n</think>\n\nYes.')).toEqual([
      { type: 'reasoning', text: '\nHm.\n' },
      { type: 'text', text: 'Yes.' },
    ])
  })

  it('that the template has opened begins the text', () => {
    expect(whole({ ...qwen, startsInReasoning: true }, 'Hm.</think>Yes.')).toEqual([
      { type: 'reasoning', text: 'Hm.' },
      { type: 'text', text: 'Yes.' },
    ])
  })

  it('that is cut short stays reasoning', () => {
    expect(whole(qwen, '<think>Hm. </thi')).toEqual([{ type: 'reasoning', text: 'Hm. </thi' }])
  })
})

const weather = '{"name": "weather", "arguments": {"place": "Bern {1}", "days": [1, 2]}}'
const weatherPieces: Piece[] = [
  { type: 'call', name: 'weather' },
  { type: 'arguments', text: '{"place": "Bern {1}", "days": [1, 2]}' },
  { type: 'call-end' },
]

describe('calls', () => {
  it('of the Hermes form are read, one after the other, with the text before them', () => {
    const text = `Let me look.\n<tool_call>\n${weather}\n</tool_call>\n<tool_call>\n{"name":"now","arguments":{}}\n</tool_call>\n`
    expect(whole(qwen, text)).toEqual([
      { type: 'text', text: 'Let me look.\n' },
      ...weatherPieces,
      { type: 'call', name: 'now' },
      { type: 'arguments', text: '{}' },
      { type: 'call-end' },
    ])
  })

  it('of the Llama 3 form are the whole text, behind the tag for them or not', () => {
    const call = weather.replace('arguments', 'parameters')
    expect(whole(llama, call)).toEqual(weatherPieces)
    expect(whole(llama, `<|python_tag|>${call}; ${call}`)).toEqual([...weatherPieces, ...weatherPieces])
  })

  it('are only read where the request has tools', () => {
    expect(whole({ ...llama, hasTools: false }, weather)).toEqual([{ type: 'text', text: weather }])
    const marked = `<tool_call>${weather}</tool_call>`
    expect(whole({ ...qwen, hasTools: false }, marked)).toEqual([{ type: 'text', text: marked }])
  })

  it('that are no calls stay text', () => {
    expect(whole(llama, '{"answer": 42}')).toEqual([{ type: 'text', text: '{"answer": 42}' }])
    expect(whole(qwen, '<tool_call>{"answer": 42')).toEqual([{ type: 'text', text: '{"answer": 42' }])
  })

  it('whose arguments are no object have none', () => {
    const pieces = whole(qwen, '<tool_call>{"name": "now", "arguments": null}</tool_call>')
    expect(pieces).toEqual([{ type: 'call', name: 'now' }, { type: 'arguments', text: '{}' }, { type: 'call-end' }])
  })

  it('whose name is escaped as JSON knows it not have the name that was meant', () => {
    expect(whole(qwen, '<tool_call>{"name": "get\\_weather", "arguments": {}}</tool_call>')).toEqual([
      ...[{ type: 'call', name: 'get_weather' }, { type: 'arguments', text: '{}' }, { type: 'call-end' }],
    ])
  })

  it('pass their arguments on as they are written', () => {
    const reader = new MarkupReader(qwen)
    reader.push('<tool_call>{"name": "weather", "arguments": {"pla')
    expect(reader.push('ce": "B')).toEqual([{ type: 'arguments', text: 'ce": "B' }])
    expect(reader.isInMarkup).toBe(true)
  })
})

describe('however a text is cut', () => {
  const texts = [
    `<think>a < b</think>\n\nSo <b>yes</b> <tool_call>\n${weather}\n</tool_call>\n<tool_call>${weather}</tool_call>`,
    'No markup < at all >, <tool, </think>.',
    `x <tool_call>\n{"name":"f","arguments":{"a":"\\"}{"}}</tool_call>y`,
  ]
  it('the pieces are the same', () => {
    fc.assert(
      fc.property(fc.constantFrom(...texts), fc.array(fc.nat(200), { maxLength: 30 }), (text, cuts) => {
        const at = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((a, b) => a - b)
        const parts = [...at, text.length].map((cut, index) => text.slice(at[index - 1] ?? 0, cut))
        expect(read(qwen, parts)).toEqual(whole(qwen, text))
      }),
      { seed: 7, numRuns: 500 },
    )
  })
})

it('plain text is passed on at once, but for what may become a tag', () => {
  const reader = new MarkupReader(qwen)
  expect(reader.push('Hello <')).toEqual([{ type: 'text', text: 'Hello ' }])
  expect(reader.push('3')).toEqual([{ type: 'text', text: '<3' }])
  expect(reader.isInMarkup).toBe(false)
})
