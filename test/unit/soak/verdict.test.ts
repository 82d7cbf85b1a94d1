import { describe, expect, it } from 'vitest'
import type { Asked } from '../../soak/support/traffic.js'
import { judge, type Outcome, type References, type Surroundings } from '../../soak/support/verdict.js'

const references: References = { text: [[1, 0]], tensor: [[0.25, 0.75]], picture: [[72, 105]] }
const calm: Surroundings = { isBlackout: false, faults: [] }
const device = { engine: 'device', backend: 'wasm', variant: 'fp32' } as const
const remote = { engine: 'remote', endpoint: 'http://endpoint' } as const

const asked = (changes: Partial<Asked> = {}): Asked => {
  return { number: 1, kind: 'tensor', index: 0, lane: 'default', policy: {}, ...changes }
}
const staying = asked({ policy: { residency: 'local-only' } })

const answered = (output: readonly number[], placement: typeof device | typeof remote = device): Outcome => {
  return { state: 'answered', output, placement, attempts: [], ms: 10, isAborted: false }
}
const failed = (changes: Partial<Extract<Outcome, { state: 'failed' }>>): Outcome => {
  return { state: 'failed', name: 'EdgewardError', message: '', attempts: [], ms: 10, isAborted: false, ...changes }
}

describe('judge', () => {
  it('compares every answer with the reference', () => {
    expect(judge(asked(), answered([0.25, 0.75]), calm, references)).toBe('right')
    expect(judge(asked(), answered([0.75, 0.25]), calm, references)).toBe('wrong')
    expect(judge(asked(), answered([NaN, NaN]), calm, references)).toBe('wrong')
    expect(judge(asked({ kind: 'text' }), answered([0.99, 0.01]), calm, references)).toBe('right')
    expect(judge(asked({ kind: 'text' }), answered([0, 1]), calm, references)).toBe('wrong')
    expect(judge(asked({ kind: 'picture' }), answered([72, 106]), calm, references)).toBe('wrong')
  })

  it('calls an error lost, whatever failed meanwhile', () => {
    const outcome = failed({ code: 'ALL_PLACEMENTS_FAILED' })
    expect(judge(asked(), outcome, { isBlackout: false, faults: ['a run is out of memory'] }, references)).toBe('lost')
    expect(judge(asked(), { state: 'silent' }, calm, references)).toBe('lost')
  })

  it('believes in a deadline that has passed, and in an abort that happened', () => {
    const hurried = asked({ policy: { deadlineMs: 500 } })
    const exceeded = (ms: number) => failed({ code: 'DEADLINE_EXCEEDED', ms })
    expect(judge(hurried, exceeded(510), calm, references)).toBe('truthful')
    expect(judge(hurried, exceeded(300), calm, references)).toBe('lost')
    expect(judge(asked(), exceeded(60_000), calm, references)).toBe('lost')
    expect(judge(asked(), failed({ name: 'AbortError', isAborted: true }), calm, references)).toBe('truthful')
    expect(judge(asked(), failed({ name: 'AbortError' }), calm, references)).toBe('lost')
  })

  it('excuses a request that must stay only from memory that ran out, or two deaths of its worker', () => {
    const memory = failed({ code: 'OUT_OF_MEMORY' })
    const death = failed({ code: 'WORKER_DIED' })
    const around = (...faults: Surroundings['faults'][number][]) => ({ isBlackout: false, faults })
    expect(judge(staying, memory, around('a run is out of memory'), references)).toBe('truthful')
    expect(judge(staying, memory, calm, references)).toBe('lost')
    expect(judge(staying, death, around('the worker ends'), references)).toBe('lost')
    expect(judge(staying, death, around('the worker ends', 'the worker hangs'), references)).toBe('truthful')
  })

  it('notices a request that must stay and was sent elsewhere', () => {
    expect(judge(staying, answered([0.25, 0.75], remote), calm, references)).toBe('leaked')
  })

  it('counts errors of a blackout apart', () => {
    const blackout = { isBlackout: true, faults: [] }
    expect(judge(asked(), failed({ code: 'ALL_PLACEMENTS_FAILED' }), blackout, references)).toBe('unanswerable')
    expect(judge(asked(), failed({ name: 'TypeError' }), blackout, references)).toBe('lost')
    expect(judge(asked(), answered([9, 9]), blackout, references)).toBe('wrong')
  })
})
