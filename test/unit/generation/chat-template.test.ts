/** A chat comes to the model in the model's own form. */
import { describe, expect, it } from 'vitest'
import { createChatTemplate } from '../../../packages/sdk/src/generation/chat-template.js'
import { tinyTokenizerConfig } from './support/tiny-tokenizer.js'

const system = { role: 'system', content: 'Be brief.' } as const
const user = { role: 'user', content: 'Hi' } as const
const edgewardError = (code: string, message: RegExp): unknown =>
  expect.objectContaining({ name: 'EdgewardError', code, message: expect.stringMatching(message) })

describe('ChatTemplate', () => {
  const template = createChatTemplate(tinyTokenizerConfig)

  it('opens the assistant’s message behind the chat', () => {
    expect(template.render({ messages: [system, user] })).toBe(
      '<|start|>system\nBe brief.<|end|>\n<|start|>user\nHi<|end|>\n<|start|>assistant\n',
    )
  })

  it('leaves an assistant’s message at the end open, its last blanks included', () => {
    const start = '<|start|>user\nHi<|end|>\n<|start|>assistant\n'
    expect(template.render({ messages: [user, { role: 'assistant', content: 'Once ' }] })).toBe(`${start}Once `)
    const trimming = createChatTemplate({
      chat_template: '{% for m in messages %}<{{ m.role }}>{{ m.content | trim }}</s>{% endfor %}',
    })
    expect(trimming.render({ messages: [user, { role: 'assistant', content: ' Hi ' }] })).toBe(
      '<user>Hi</s><assistant>Hi',
    )
  })

  it('leaves it open at its end also where what the template writes behind it has the same letters', () => {
    const start = '<|start|>user\nHi<|end|>\n<|start|>assistant\n'
    for (const content of ['end', '|', 'n', '<|', 'The end']) {
      expect(template.render({ messages: [user, { role: 'assistant', content }] })).toBe(start + content)
    }
  })

  it('opens a new message behind an assistant’s call of a tool', () => {
    const toolCalls = [{ id: '1', name: 'f', arguments: '{}' }]
    const text = template.render({ messages: [user, { role: 'assistant', content: 'x', toolCalls }] })
    expect(text.endsWith('<|start|>assistant\n')).toBe(true)
  })

  it('gives the template its special tokens, tools, calls and arguments', () => {
    const chat_template =
      '{{ bos_token }}{{ eos_token }}{{ enable_thinking }}{{ tools | tojson }}' +
      '{% for m in messages %}{{ m.reasoning_content }}{{ m.tool_calls[0].function.arguments | tojson }}{% endfor %}'
    const text = createChatTemplate({ ...tinyTokenizerConfig, chat_template }).render({
      messages: [
        { role: 'assistant', content: '', reasoning: 'hm', toolCalls: [{ id: '1', name: 'f', arguments: '{"a":1}' }] },
      ],
      tools: [{ name: 'f', parameters: { type: 'object' } }],
      templateArguments: { enable_thinking: 'no' },
    })
    expect(text).toBe(
      '<|start|><|end|>no[{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]hm{"a": 1}',
    )
  })

  it('takes the template for tools where there are tools', () => {
    const chat_template = [
      { name: 'default', template: 'plain' },
      { name: 'tool_use', template: 'tools' },
    ]
    const named = createChatTemplate({ chat_template })
    expect(named.render({ messages: [user] })).toBe('plain')
    expect(named.render({ messages: [user], tools: [{ name: 'f' }] })).toBe('tools')
  })

  it('makes a developer’s message the system’s, unless the template knows developers', () => {
    const messages = [{ role: 'developer', content: 'x' }] as const
    expect(createChatTemplate({ chat_template: '{{ messages[0].role }}' }).render({ messages })).toBe('system')
    const knowing = createChatTemplate({ chat_template: '{# developer #}{{ messages[0].role }}' })
    expect(knowing.render({ messages })).toBe('developer')
  })

  it('tells the date to templates that ask for it', () => {
    const dated = createChatTemplate({ chat_template: "{{ strftime_now('%Y') }}" })
    expect(dated.render({ messages: [user] })).toMatch(/^\d{4}$/)
  })

  it('says what is wrong: no template, one that cannot be read, one that refuses the chat', () => {
    expect(() => createChatTemplate({}).render({ messages: [user] })).toThrow(
      edgewardError('MODEL_UNSUPPORTED', /no chat template/),
    )
    expect(() => createChatTemplate({ chat_template: '{% if' }).render({ messages: [user] })).toThrow(
      edgewardError('MODEL_UNSUPPORTED', /cannot be read/),
    )
    const refusing = createChatTemplate({ chat_template: "{{ raise_exception('No system role') }}" })
    expect(() => refusing.render({ messages: [system] })).toThrow(edgewardError('INVALID_INPUT', /No system role/))
  })
})
