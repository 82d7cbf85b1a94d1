/** What the comparison with Transformers.js says of what became of the requests. */
import { expect, test } from 'vitest'
import { resultOf } from '../../bench/support/containment/verdict.js'
import { toMarkdown, type Comparison } from '../../bench/support/containment/table.js'
import type { Outcome } from '../../chaos/support/outcome.js'

const references = { text: [[1, 0]], tensor: [] }
const about = { kind: 'text', index: 0, ms: 5 } as const
const placement = { engine: 'device', backend: 'wasm' } as const
const right = { ...about, state: 'answered', output: [1, 0], placement, attempts: [] } as unknown as Outcome
const wrong = { ...about, state: 'answered', output: [0, 1] } as unknown as Outcome
const failed: Outcome = {
  ...about,
  state: 'failed',
  name: 'Error',
  message: 'no | luck\nat all',
  attempts: [],
  cause: '',
}
const lost: Outcome = { ...about, state: 'lost' }

test('one wrong answer among right ones makes a library wrong, whatever else happened', () => {
  const phases = new Map([['during', [right, wrong, failed, lost]]] as const)
  expect(resultOf(phases, references)).toMatchObject({ verdict: 'wrong', recovery: 'never' })
})

test('a request that never settled counts as hung, one with an error as failed, with the first line of what it said', () => {
  const hung = resultOf(new Map([['during', [right, lost, failed]]] as const), references)
  const refused = resultOf(new Map([['during', [right, failed]]] as const), references)
  expect([hung.verdict, refused.verdict]).toEqual(['hung', 'failed'])
  expect(refused.phases[0]?.errors).toEqual(['Error: no | luck'])
})

test('the first phase in which all was well again says when the library recovered', () => {
  const phases = new Map([
    ['before', [right]],
    ['during', [failed]],
    ['after', [failed]],
    ['reloaded', [right]],
  ] as const)
  expect(resultOf(phases, references).recovery).toBe('after a reload')
})

test('a row of the table tells the error where a request failed, and why a line was not run', () => {
  const results = {
    transformers: resultOf(new Map([['during', [failed]]] as const), references),
    alone: { notRun: 'the page broke' },
    endpoint: resultOf(
      new Map([
        ['during', [right]],
        ['after', [right]],
      ] as const),
      references,
    ),
  }
  const versions = { edgeward: '1', edgewardRuntime: '2', transformers: '3', transformersRuntime: '4', chromium: '5' }
  const lines = [{ row: 7, failure: 'f', injected: 'i', results }]
  const comparison: Comparison = { date: 'd', machine: 'm', boundMs: 1000, versions, lines, doesNotApply: {} }
  expect(toMarkdown(comparison)).toContain(
    '| 7 | f | i | **failed**: `Error: no \\| luck`; still not well after a reload | not run: the page broke | **survived** |',
  )
})
