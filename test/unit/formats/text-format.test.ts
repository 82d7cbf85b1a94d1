/** What a chat template says of a model's reasoning and calls, however tokenizer_config.json has it. */
import { expect, test } from 'vitest'
import { textFormat } from '../../../packages/sdk/src/formats/index.js'

const qwen = { reasoning: { open: '<think>', close: '</think>' }, tools: 'hermes' }

test.for([
  ['none', undefined, undefined],
  ['one template', '{{ "<think>" }}<tool_call>', qwen],
  [
    'named templates',
    [
      { name: 'default', template: '<think>' },
      { name: 'tool_use', template: '<tool_call>' },
    ],
    qwen,
  ],
  ['named templates of Llama 3', [{ name: 'tool_use', template: '{"name": n, "parameters": p}' }], { tools: 'llama3' }],
  ['what is no template', [null, 1, { template: 2 }], undefined],
] as const)('of %s', ([, chat_template, format]) => {
  expect(textFormat({ chat_template })).toEqual(format)
})
