/** The links of the README and the guides lead somewhere. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'

const documents = ['README.md', ...readdirSync('docs').map((name) => `docs/${name}`)]

const links = documents.flatMap((file) => {
  const found = readFileSync(file, 'utf8').matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)
  return [...found].map(([, path = '', heading]) => ({
    file,
    target: path === '' ? file : join(dirname(file), path),
    heading,
  }))
})

it.each(links)('$file → $target #$heading', ({ target, heading }) => {
  expect(existsSync(target)).toBe(true)
  if (heading !== undefined) expect(headingsOf(target)).toContain(heading)
})

/** The headings as GitHub makes anchors of them. */
function headingsOf(file: string): readonly string[] {
  const headings = readFileSync(file, 'utf8').matchAll(/^#+ (.*)$/gm)
  return [...headings].map(([, text = '']) =>
    text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )
}
