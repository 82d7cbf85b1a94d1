/** Stop strings end an answer, however it was cut into tokens. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { StopFilter, type AnswerPiece } from '../../../packages/sdk/src/generation/stop.js'

const piece = (text: string, at = 0): AnswerPiece => ({ text, tokenIds: [at] })
const textOf = (pieces: readonly AnswerPiece[]) => pieces.map(({ text }) => text).join('')

/** All that comes out, and whether a stop string ended it. */
function filter(texts: readonly string[], stops: readonly string[], before = '') {
  const stop = new StopFilter(stops, before)
  let given = ''
  for (const text of texts) {
    const { pieces, last } = stop.push(piece(text))
    given += textOf(pieces)
    if (last !== undefined) return { given: given + last, stopped: true }
  }
  return { given: given + textOf(stop.flush()), stopped: false }
}

/** The text before the stop string that is complete first, the longest of those. */
function expected(text: string, stops: readonly string[]) {
  for (let end = 1; end <= text.length; end += 1) {
    const found = stops.filter((stop) => text.slice(0, end).endsWith(stop)).sort((a, b) => b.length - a.length)[0]
    if (found !== undefined) return { given: text.slice(0, end - found.length), stopped: true }
  }
  return { given: text, stopped: false }
}

const letters = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 30 })
const stopStrings = fc.array(fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 5 }), {
  maxLength: 3,
})
const cutUp = (text: string, cuts: readonly number[]) => {
  const borders = [0, ...cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length]
  return borders.slice(1).map((border, at) => text.slice(borders[at], border))
}

describe('StopFilter', () => {
  it('ends the text at the first stop string, wherever it is cut', () => {
    fc.assert(
      fc.property(letters, stopStrings, fc.array(fc.nat(30)), (text, stops, cuts) => {
        expect(filter(cutUp(text, cuts), stops)).toEqual(expected(text, stops))
      }),
      { numRuns: 2000 },
    )
  })

  it('holds no piece back that cannot be part of a stop string', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 3 })), (texts) => {
        const stop = new StopFilter(['abab'])
        let text = ''
        let given = 0
        for (const next of texts) {
          text += next
          const { pieces, last } = stop.push(piece(next))
          if (last !== undefined) return
          given += textOf(pieces).length
          const mayBegin = [3, 2, 1].find((length) => text.endsWith('abab'.slice(0, length))) ?? 0
          // The piece in which it may begin is held whole: its ids belong to all of its text.
          expect(text.length - given).toBeLessThan(mayBegin + (mayBegin > 0 ? 3 : 1))
        }
      }),
      { numRuns: 500 },
    )
  })

  it('keeps the ids with their text', () => {
    const stop = new StopFilter(['xyz'])
    expect(stop.push(piece('ax', 1))).toEqual({ pieces: [] })
    expect(stop.push(piece('y', 2))).toEqual({ pieces: [] })
    expect(stop.push(piece('b', 3))).toEqual({ pieces: [piece('ax', 1), piece('y', 2), piece('b', 3)] })
    expect(stop.push(piece('c', 4))).toEqual({ pieces: [piece('c', 4)] })
    expect(stop.push(piece('dx', 5))).toEqual({ pieces: [] })
    expect(stop.push(piece('yz!', 6))).toEqual({ pieces: [], last: 'd' })
  })

  it('finds a stop string that began in what was written before', () => {
    expect(filter(['b', 'c'], ['aab'], 'xaa')).toEqual({ given: '', stopped: true })
    expect(filter(['b'], ['aab'], 'aab and aa')).toEqual({ given: '', stopped: true })
    expect(filter(['c', 'aab'], ['aab'], 'xaa')).toEqual({ given: 'c', stopped: true })
  })
})
