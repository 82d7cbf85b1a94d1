import { afterEach, expect, inject, test, vi } from 'vitest'
import { serveGguf } from './support/language-models.js'

afterEach(() => {
  vi.restoreAllMocks()
})

const scripts = inject('scripts').map(({ where, code }) => ({ where, code: localise(code) }))
const pages = inject('pages').map(({ where, code }) => ({ where, code: localise(code) }))

/** The code of a snippet, with the addresses that the documentation uses as they are here. */
function localise(encoded: string): string {
  return decodeURIComponent(encoded)
    .replaceAll("from 'edgeward'", `from '${location.origin}/shipped/index.js'`)
    .replaceAll(/from 'edgeward\/(exporters|opentelemetry)'/g, `from '${location.origin}/shipped/$1.js'`)
    .replaceAll('from "edgeward"', `from '${location.origin}/shipped/index.js'`)
    .replaceAll("'/models/'", `'${location.origin}/models/'`)
    .replaceAll('/edgeward/edgeward.js', '/shipped/edgeward.js')
    .replaceAll('http://localhost:8787', inject('endpoint'))
    .replaceAll('http://localhost:4318', inject('collector'))
}

/** A language model of the documentation is one of 98 MB: here a tiny one writes in its place. */
async function withTinyLanguageModel(code: string): Promise<string> {
  const name = "'smollm2-135m-instruct'"
  return code.includes(name) ? code.replaceAll(name, JSON.stringify((await serveGguf()).url)) : code
}

/** What a snippet promises to log: the comments `// → …` behind its calls of `console.log`. */
function promises(code: string): string[] {
  return [...code.matchAll(/console\.log\(.*\/\/ → (.*)$/gm)].map(([, promised = '']) => promised)
}

test.each(scripts)('$where runs, and logs what it promises', async ({ code }) => {
  const logged: string[] = []
  vi.spyOn(console, 'log').mockImplementation((...values: unknown[]) => logged.push(values.join(' ')))
  const local = await withTinyLanguageModel(code)
  const url = URL.createObjectURL(new Blob([local], { type: 'text/javascript' }))
  await import(/* @vite-ignore */ url)
  expect(logged).toEqual(promises(code))
})

test.each(pages)('$where runs as a page of its own', async ({ code }) => {
  const frame = document.createElement('iframe')
  frame.srcdoc = code
  document.body.append(frame)
  const answer = () => frame.contentDocument?.getElementById('answer')?.textContent
  await expect.poll(answer, { timeout: 30_000 }).toMatch(/^Similarity: 0\.[6-9]\d$/)
  frame.remove()
})

test('there are snippets to run', () => {
  expect(scripts.length).toBeGreaterThanOrEqual(3)
  expect(pages.length).toBeGreaterThanOrEqual(1)
})
