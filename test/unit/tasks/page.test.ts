import { expect, test } from 'vitest'
import { prepareInput } from '../../../packages/sdk/src/tasks/page.js'

test('in Node, where there is no page, inputs that need none are prepared', async () => {
  const texts = ['a', 'b']
  expect((await prepareInput('feature-extraction', texts)).input).toBe(texts)
  const url = new URL('https://example.org/a.png')
  expect((await prepareInput('image-to-text', url)).input).toBe('https://example.org/a.png')
})

test('in Node a relative URL is refused, since there is nothing that it is relative to', async () => {
  await expect(prepareInput('image-to-text', 'a.png')).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    message: '"a.png" is not the URL of a picture. Here it must be absolute.',
  })
})
