/** Finds the code of the README and the guides, so that tests can run it. */
import { readdirSync, readFileSync } from 'node:fs'

export interface Snippet {
  /** Such as `README.md:42`. */
  readonly where: string
  readonly language: string
  readonly code: string
}

/** Every fenced block of `language` in the README and in docs/. */
export function snippetsOf(language: string): readonly Snippet[] {
  const guides = readdirSync('docs').map((name) => `docs/${name}`)
  return ['README.md', ...guides].flatMap((file) => snippetsIn(file, language))
}

function snippetsIn(file: string, language: string): Snippet[] {
  const text = readFileSync(file, 'utf8')
  const blocks = text.matchAll(/^( *)```(\w+)\n([\s\S]*?)^ *```$/gm)
  return [...blocks]
    .map(({ index, 1: indent = '', 2: found = '', 3: code = '' }) => ({
      where: `${file}:${text.slice(0, index).split('\n').length}`,
      language: found,
      code: code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    }))
    .filter((snippet) => snippet.language === language)
}
