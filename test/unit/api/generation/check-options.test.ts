import { describe, expect, it } from 'vitest'
import { splitRequest } from '../../../../packages/sdk/src/api/generation/check-options.js'

const split = (more: object) => splitRequest({ prompt: 'Once', ...more })

describe('a request for text', () => {
  it('is taken apart', () => {
    const { signal } = new AbortController()
    const { input, options, requestOptions } = split({ maxTokens: 5, signal })
    expect({ input, options }).toEqual({ input: { prompt: 'Once' }, options: { maxTokens: 5 } })
    expect(requestOptions.signal).toBe(signal)
  })

  it('says nothing by what is undefined', () => {
    expect(split({ maxTokens: undefined, temperature: undefined, policy: undefined })).toEqual({
      ...{ input: { prompt: 'Once' }, options: {}, requestOptions: {} },
    })
  })

  it.each([
    [{ maxTokens: 0 }, /maxTokens is 0; .* at least 1/],
    [{ n: 1e9 }, /n is 1000000000; .* at most 128/],
    [{ temperature: '1' }, /temperature is "1"/],
    [{ topP: NaN }, /topP is NaN/],
    [{ stop: [''] }, /stop is an array/],
    [{ responseFormat: { type: 'yaml' } }, /responseFormat is an object/],
    [{ maxToken: 1 }, /did you mean maxTokens/],
    [{ signal: 1 }, /signal is 1; .* an AbortSignal/],
    [{ lane: 'fast' }, /lane is "fast"/],
  ])('is refused with %j', (more, message) => {
    expect(() => split(more)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringMatching(message) as string }) as Error,
    )
  })
})
