/** Vitest's global set-up of the browser projects: hands the documentation's snippets to the tests, as JavaScript. */
import ts from 'typescript'
import type { TestProject } from 'vitest/node'
import { snippetsOf, type Snippet } from '../../support/snippets.js'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Their code is encoded for an address. */
    readonly scripts: readonly Snippet[]
    readonly pages: readonly Snippet[]
  }
}

export function setup(project: TestProject): void {
  const module = ts.ModuleKind.ESNext
  const target = ts.ScriptTarget.ES2022
  const toJavaScript = (code: string) => ts.transpileModule(code, { compilerOptions: { module, target } }).outputText
  // Vitest writes what it provides into a script of its page, which the end of a snippet's script would end.
  const provided = (snippet: Snippet, code: string) => ({ ...snippet, code: encodeURIComponent(code) })
  project.provide(
    'scripts',
    snippetsOf('ts').map((snippet) => provided(snippet, toJavaScript(snippet.code))),
  )
  project.provide(
    'pages',
    snippetsOf('html').map((snippet) => provided(snippet, snippet.code)),
  )
}
