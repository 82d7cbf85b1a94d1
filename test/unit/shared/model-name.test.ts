/** Names of models: ids, revisions, and addresses of GGUFs. */
import { expect, test } from 'vitest'
import { absoluteModelName, isGgufUrl, splitModelName } from '../../../packages/sdk/src/shared/index.js'

test.each([
  ['tiny@1', { id: 'tiny', revision: '1' }],
  ['hf:org/repo@main', { id: 'hf:org/repo', revision: 'main' }],
  ['hf:org/repo/model.gguf@main', { id: 'hf:org/repo/model.gguf', revision: 'main' }],
  ['https://user@x.example/a@b/model.gguf?at=@', { id: 'https://user@x.example/a@b/model.gguf?at=@' }],
])('%s is split', (name, parts) => {
  expect(splitModelName(name)).toEqual(parts)
})

test('the address of a GGUF is told from other names', () => {
  expect(['https://x.example/m.gguf', 'models/m.gguf', '/m.GGUF?a=b', 'm.gguf'].every(isGgufUrl)).toBe(true)
  expect(['tiny', 'hf:org/repo/m.gguf', 'local:m.gguf', 'https://x.example/m.onnx'].some(isGgufUrl)).toBe(false)
})

test('an address becomes absolute, other names stay', () => {
  const base = 'https://x.example/app/index.html'
  expect(absoluteModelName('models/m.gguf', base)).toBe('https://x.example/app/models/m.gguf')
  expect(absoluteModelName('https://y.example/m.gguf?a', base)).toBe('https://y.example/m.gguf?a')
  expect(absoluteModelName('tiny', base)).toBe('tiny')
})
