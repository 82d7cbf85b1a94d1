import { afterEach, expect, it, vi } from 'vitest'
import { namedHere } from '../../../packages/sdk/src/api/named-here.js'

afterEach(() => {
  vi.unstubAllGlobals()
})

it('makes the address of a GGUF absolute, and leaves other names alone', () => {
  vi.stubGlobal('document', { baseURI: 'https://page.example/app/' })
  expect(namedHere('models/a.gguf?v=1')).toBe('https://page.example/app/models/a.gguf?v=1')
  expect(namedHere('/a.gguf')).toBe('https://page.example/a.gguf')
  expect(namedHere('https://other.example/a.gguf')).toBe('https://other.example/a.gguf')
  for (const name of ['all-minilm-l6-v2', 'hf:org/repo/a.gguf@main', 'local:x']) expect(namedHere(name)).toBe(name)
})

it('says so where there is no page that an address could be relative to', () => {
  expect(() => namedHere('/a.gguf')).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }) as Error)
  expect(namedHere('https://other.example/a.gguf')).toBe('https://other.example/a.gguf')
})
