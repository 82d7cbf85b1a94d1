/** The chaos tests notice when an answer is wrong, refused or missing. */
import { expect, it } from 'vitest'
import { codesOf, placesOf, problemsOf, type Answered, type Outcome } from '../../chaos/support/outcome.js'

const references = {
  text: [
    [1, 0, 0],
    [0, 1, 0],
  ],
  tensor: [
    [0.5, -2],
    [3, 4],
  ],
}
const answer = (kind: 'text' | 'tensor', index: number, output: readonly number[]): Answered => {
  const placement = { engine: 'device', backend: 'wasm', variant: 'q8' } as const
  return { kind, index, ms: 1, state: 'answered', output, placement, attempts: [] }
}
const wrongOf = (...outcomes: Outcome[]) => problemsOf(outcomes, references).wrong

it('takes what is right within the tolerance', () => {
  expect(wrongOf(answer('text', 0, [1, 0.05, 0]), answer('tensor', 1, [3.0001, 4]))).toEqual([])
})

it.each([
  ['the answer to another text', answer('text', 0, [0, 1, 0])],
  ['the answer to other tensors', answer('tensor', 0, [3, 4])],
  ['zeros', answer('text', 0, [0, 0, 0])],
  ['NaN', answer('tensor', 0, [NaN, -2])],
  ['too few numbers', answer('tensor', 0, [0.5])],
  ['a number that is off', answer('tensor', 0, [0.51, -2])],
])('finds %s', (_, outcome) => {
  expect(wrongOf(outcome)).toEqual([outcome])
})

it('finds what was lost and what failed', () => {
  const lost: Outcome = { kind: 'text', index: 0, ms: 1, state: 'lost' }
  const about = { name: 'EdgewardError', code: 'GPU_LOST', message: '', attempts: [], cause: '' } as const
  const failed: Outcome = { kind: 'text', index: 0, ms: 1, state: 'failed', ...about }
  expect(problemsOf([lost, failed], references)).toEqual({ lost: [lost], failed: [failed], wrong: [] })
})

it('says where answers came from, and with which codes attempts failed', () => {
  const attempt = {
    placement: { engine: 'remote', endpoint: 'x' },
    code: 'REMOTE_FAILED',
    message: '',
    details: {},
  } as const
  const device = { ...answer('text', 0, []), attempts: [{ ...attempt, durationMs: 1 }] }
  const remote = { ...answer('text', 1, []), placement: attempt.placement }
  expect(placesOf([remote, device, device])).toEqual(['wasm', 'endpoint'])
  expect(codesOf([remote, device, device])).toEqual(['REMOTE_FAILED'])
})
