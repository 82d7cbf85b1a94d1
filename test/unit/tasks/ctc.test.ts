import { expect, test } from 'vitest'
import { decodeCtc } from '../../../packages/sdk/src/tasks/image-to-text/ctc.js'

const characters = ['', 'a', 'b', ' ']

/** One step in which class `best` has the probability `probability`. */
function step(best: number, probability: number): number[] {
  return characters.map((_, index) => (index === best ? probability : (1 - probability) / 3))
}

const decode = (...steps: number[][]) => decodeCtc(new Float32Array(steps.flat()), characters)

test('repeats are one character, and a blank between them makes two', () => {
  expect(decode(step(1, 0.9), step(1, 0.8), step(0, 0.9), step(1, 0.9), step(2, 0.9)).text).toBe('aab')
})

test('confidence is the mean over the characters, each at its first step', () => {
  expect(decode(step(0, 1), step(1, 0.75), step(1, 1), step(2, 0.5)).confidence).toBe(0.625)
})

test('spaces count inside a line and not around it', () => {
  expect(decode(step(3, 0.9), step(1, 0.9), step(3, 0.9), step(2, 0.9), step(3, 0.9)).text).toBe('a b')
})

test('a line of blanks is empty and has no confidence', () => {
  expect(decode(step(0, 1), step(0, 1))).toEqual({ text: '', confidence: 0 })
})

test('no steps are an empty line', () => {
  expect(decode()).toEqual({ text: '', confidence: 0 })
})
