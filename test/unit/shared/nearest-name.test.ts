/** Suggestions for names that are nearly right. */
import { expect, it } from 'vitest'
import { nearestName } from '../../../packages/sdk/src/shared/index.js'

const names = ['models', 'remote', 'device', 'backends', 'threads']

it.each([
  ['model', 'models'],
  ['Models', 'models'],
  ['devcie', 'device'],
  ['backend', 'backends'],
  ['thraeds', 'threads'],
])('%s probably means %s', (typed, meant) => {
  expect(nearestName(typed, names)).toBe(meant)
})

it('says nothing of a name that is near to none', () => {
  expect(nearestName('temperature', names)).toBeUndefined()
  expect(nearestName('models', [])).toBeUndefined()
})
