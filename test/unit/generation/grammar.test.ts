import { afterAll, describe, expect, it } from 'vitest'
import { createConstraints } from '../../../packages/sdk/src/generation/index.js'
import type {
  GenerationOptions,
  LanguageModelConfig,
  ToolDefinition,
} from '../../../packages/sdk/src/contract/index.js'
import type { TextTokenizer } from '../../../packages/sdk/src/generation/text-tokenizer.js'

/** A token for each printable ASCII character and the line feed; the last one ends the answer. */
const characters = ['\n', ...Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index))]
const eos = characters.length
const config: LanguageModelConfig = {
  ...{ architecture: 'llama', vocabularySize: eos + 1, contextLength: 512, layers: 1, kvHeads: 1, headSize: 2 },
  ...{ eosTokenIds: [eos], format: { tools: 'hermes' } },
}
const spelled = (character: string) => (character === '\n' ? 'Ċ' : character === ' ' ? 'Ġ' : character)
const tokenizer: TextTokenizer = {
  encode: (text) => Array.from(text, (character) => characters.indexOf(character)),
  decode: (ids) => ids.map((id) => characters[id] ?? '').join(''),
  bytesOf: (id) => new TextEncoder().encode(characters[id] ?? ''),
  tokenOf: (id) => (id === eos ? '<|end|>' : spelled(characters[id] ?? '')),
  idOf: (token) => characters.map(spelled).indexOf(token),
}

const load = () => import('../../../packages/sdk/src/grammar.js')
const constraints = createConstraints(config, { model: {} }, load)
afterAll(() => constraints.dispose())

const weather: ToolDefinition = {
  name: 'weather',
  parameters: { type: 'object', properties: { days: { type: 'integer' } }, required: ['days'] },
}

function constrain(options: GenerationOptions, tools: readonly ToolDefinition[] = []) {
  return constraints.constrain({ input: { messages: [{ role: 'user', content: '' }], tools }, options }, tokenizer)
}

/** What may come next, as text; `null`: the end. */
async function allowedAfter(options: GenerationOptions, text: string, tools: readonly ToolDefinition[] = []) {
  const constraint = await constrain(options, tools)
  if (!constraint) throw new Error('there is no constraint')
  for (const id of tokenizer.encode(text)) constraint.accept(id)
  const logits = new Float32Array(config.vocabularySize)
  await constraint.mask(logits)
  constraint.dispose()
  return [...logits].flatMap((logit, id) => (logit === 0 ? [characters[id] ?? null] : []))
}

const schema = {
  type: 'object',
  properties: { ok: { type: 'boolean' } },
  required: ['ok'],
  additionalProperties: false,
}

describe('what may come next', () => {
  it('is all of it where any text is right', async () => {
    expect(await constrain({})).toBeUndefined()
    expect(await constrain({ toolChoice: 'none' }, [weather])).toBeUndefined()
  })

  it('follows a JSON schema', async () => {
    const options: GenerationOptions = { responseFormat: { type: 'json_schema', schema } }
    expect(await allowedAfter(options, '')).toContain('{')
    expect(await allowedAfter(options, '')).not.toContain('[')
    expect(await allowedAfter(options, '{"ok":t')).toEqual(['r'])
    expect(await allowedAfter(options, '{"ok":true}')).toContain(null)
  })

  it('is any JSON for a JSON object', async () => {
    expect(await allowedAfter({ responseFormat: { type: 'json_object' } }, '{"a":')).toContain('[')
  })

  it('follows a regular expression', async () => {
    const options: GenerationOptions = { responseFormat: { type: 'regex', pattern: '[ab]c{2}' } }
    expect(await allowedAfter(options, '')).toEqual(['a', 'b'])
    expect(await allowedAfter(options, 'ac')).toEqual(['c'])
    expect(await allowedAfter(options, 'acc')).toEqual([null])
  })

  it('is free text or a right call where tools may be called', async () => {
    const free = await allowedAfter({}, 'Let me see', [weather])
    expect(free).toContain('x')
    expect(await allowedAfter({}, '<tool_call>\n{"name": "', [weather])).toEqual(['w'])
  })

  it('is nothing but a call where one is asked for', async () => {
    expect(await allowedAfter({ toolChoice: 'required' }, '', [weather])).toEqual(['<'])
    const named: GenerationOptions = { toolChoice: { name: 'weather' } }
    const begun = '<tool_call>\n{"name": "weather", "arguments": {"days": 3'
    expect(await allowedAfter(named, begun, [weather])).toContain('}')
    expect(await allowedAfter(named, begun, [weather])).not.toContain('"')
  })
})

it('a token that may not come is refused', async () => {
  const constraint = await constrain({ responseFormat: { type: 'regex', pattern: 'ab' } })
  expect(() => constraint?.accept(characters.indexOf('z'))).toThrow('does not follow')
  constraint?.dispose()
})

it('the engine is not loaded where any text is right, and asked for again when it did not come', async () => {
  let asked = 0
  const failing = createConstraints(config, { model: {} }, () => {
    asked += 1
    return Promise.reject(new Error('no network'))
  })
  const request = { input: { prompt: '' }, options: {} }
  expect(await failing.constrain(request, tokenizer)).toBeUndefined()
  expect(asked).toBe(0)
  const json = { input: { prompt: '' }, options: { responseFormat: { type: 'json_object' } } } as const
  await expect(failing.constrain(json, tokenizer)).rejects.toThrow('no network')
  await expect(failing.constrain(json, tokenizer)).rejects.toThrow('no network')
  expect(asked).toBe(2)
  failing.dispose()
})

it('what is complete says so', async () => {
  const constraint = await constrain({ responseFormat: { type: 'regex', pattern: 'ab' } })
  for (const id of [...tokenizer.encode('ab'), eos]) constraint?.accept(id)
  expect(constraint?.isComplete).toBe(true)
  constraint?.dispose()
})

it('what is no grammar, and a tool that is not there, are refused in plain words', async () => {
  await expect(constrain({ responseFormat: { type: 'regex', pattern: '(' } })).rejects.toMatchObject({
    code: 'INVALID_OPTION',
  })
  await expect(constrain({ toolChoice: { name: 'f' } }, [weather])).rejects.toThrow(
    "not among the request's tools: weather",
  )
})

it('the engine goes on after a grammar that it could not make', async () => {
  await expect(constrain({ responseFormat: { type: 'regex', pattern: '(' } })).rejects.toThrow()
  const options: GenerationOptions = { responseFormat: { type: 'regex', pattern: 'xy' } }
  expect(await allowedAfter(options, 'x')).toEqual(['y'])
})
