/** Texts become tokens and tokens texts, without a cut character. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TextAssembler } from '../../../packages/sdk/src/generation/text-assembler.js'
import { createTextTokenizer } from '../../../packages/sdk/src/generation/text-tokenizer.js'
import {
  bytesOfPlain,
  eosId,
  plainIds,
  startId,
  tinyTokenizerConfig,
  tinyTokenizerJson,
  vocabularySize,
} from './support/tiny-tokenizer.js'

const tokenizer = createTextTokenizer(tinyTokenizerJson, tinyTokenizerConfig)
const anyText = fc.string({ unit: 'binary', maxLength: 40 })
const anyIds = fc.array(fc.integer({ min: 0, max: vocabularySize - 1 }), { maxLength: 40 })
/** Texts with the tokens that cut characters. */
const cutIds = fc.array(fc.integer({ min: 120, max: vocabularySize - 1 }), { maxLength: 40 })

function assemble(ids: readonly number[]) {
  const assembler = new TextAssembler(tokenizer)
  return ids.flatMap((id) => assembler.push(id) ?? [])
}

describe('TextTokenizer', () => {
  it('decodes what it encoded', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(tokenizer.decode(tokenizer.encode(text))).toBe(text)
      }),
    )
  })

  it('decodes tokens to what their bytes are together, those of no text included', () => {
    const textOf = (bytes: number[]) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(bytes))
    const plain = fc.array(fc.integer({ min: 0, max: plainIds - 1 }), { minLength: 1, maxLength: 40 })
    fc.assert(
      fc.property(plain, (ids) => {
        expect(tokenizer.decode(ids)).toBe(textOf(ids.flatMap(bytesOfPlain)))
      }),
    )
    expect(tokenizer.decode([])).toBe('')
    expect(tokenizer.encode('')).toEqual([])
  })

  it('reads control tokens in a text, and shows none of them but those of the markup', () => {
    expect(tokenizer.encode('<|start|>the<|end|>')).toEqual([startId, tokenizer.idOf('the'), eosId])
    expect(tokenizer.decode([startId, eosId])).toBe('')
    const shown = createTextTokenizer(tinyTokenizerJson, tinyTokenizerConfig, ['<|start|>'])
    expect(shown.decode([startId, eosId])).toBe('<|start|>')
    expect(tokenizer.decode(tokenizer.encode('<think>'))).toBe('<think>')
  })

  it('decodes the byte fallback of SentencePiece vocabularies', () => {
    const vocab = ['<unk>', '<0xC3>', '<0xA9>', '▁the', 's', '▁']
    const sentencePiece = createTextTokenizer(
      {
        ...tinyTokenizerJson,
        added_tokens: [],
        pre_tokenizer: null,
        normalizer: { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
        decoder: { type: 'Sequence', decoders: [{ type: 'ByteFallback' }, { type: 'Fuse' }] },
        model: {
          ...tinyTokenizerJson.model,
          byte_fallback: true,
          unk_token: '<unk>',
          vocab: Object.fromEntries(vocab.map((token, id) => [token, id])),
          merges: [],
        },
      },
      {},
    )
    expect(sentencePiece.decode([3, 4, 5, 1, 2])).toBe(' thes é')
    expect(sentencePiece.encode('é s')).toEqual([1, 2, 5, 4])
  })

  it('says what is wrong with a file that is no tokenizer', () => {
    expect(() => createTextTokenizer({}, {})).toThrow(
      expect.objectContaining({ name: 'EdgewardError', code: 'MODEL_UNSUPPORTED' }),
    )
  })
})

describe('TextAssembler', () => {
  it('gives pieces that are together what all their ids decode to, also of bytes that are no UTF-8', () => {
    fc.assert(
      fc.property(fc.oneof(anyIds, cutIds), (ids) => {
        const pieces = assemble(ids)
        const given = pieces.flatMap(({ tokenIds }) => tokenIds)
        expect(given).toEqual(ids.slice(0, given.length))
        expect(pieces.map(({ text }) => text).join('')).toBe(tokenizer.decode(given))
        for (const { text, tokenIds } of pieces) expect(text).toBe(tokenizer.decode(tokenIds))
      }),
      { numRuns: 1000 },
    )
  })

  // Ids 0 to 255 are the bytes in order.
  it('never cuts a character, however its bytes are spread over tokens', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const ids = [...new TextEncoder().encode(text)]
        const pieces = assemble(ids)
        expect(pieces.map((piece) => piece.text).join('')).toBe(text)
        expect(pieces).toHaveLength(Array.from(text).length)
      }),
      { numRuns: 500 },
    )
  })

  it('holds ids back only until their text is whole', () => {
    const [first, second, third, fourth] = [...new TextEncoder().encode('😀')] as [number, number, number, number]
    const assembler = new TextAssembler(tokenizer)
    expect(assembler.push(first)).toBeUndefined()
    expect(assembler.push(second)).toBeUndefined()
    expect(assembler.push(third)).toBeUndefined()
    expect(assembler.push(fourth)).toEqual({ text: '😀', tokenIds: [first, second, third, fourth] })
  })
})
