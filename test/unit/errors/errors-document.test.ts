/** docs/errors.md says of every code what the SDK does, and its example works. */
import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import ts from 'typescript'
import { errorRules, type ErrorCode, type Fallback } from '../../../packages/sdk/src/errors/index.js'
import * as edgeward from '../../../packages/sdk/src/index.js'

const document = await readFile(new URL('../../../docs/errors.md', import.meta.url), 'utf8')

interface DocumentedCode {
  readonly when: string
  readonly fallback: string
  readonly mayPass: string
  readonly advice: string
}

/** The rows of the tables, by code. */
const documented = new Map<string, DocumentedCode>()
for (const line of document.split('\n')) {
  const cells = line.split('|').map((cell) => cell.trim())
  const code = /^`([A-Z_]+)`$/.exec(cells[1] ?? '')?.[1]
  const [when = '', fallback = '', mayPass = '', advice = ''] = cells.slice(2)
  if (code !== undefined) documented.set(code, { when, fallback, mayPass, advice })
}

const wording: Readonly<Record<Fallback, string>> = {
  placement: 'next placement',
  engine: 'next engine',
  final: 'gives up',
}

describe('the errors document', () => {
  it('has every code once, and no other', () => {
    expect([...documented.keys()].sort()).toEqual(Object.keys(errorRules).sort())
    expect(document.match(/^\| `[A-Z_]+`/gm)).toHaveLength(documented.size)
  })

  it.each(Object.keys(errorRules) as ErrorCode[])('says of %s what the router does', (code) => {
    const { fallback, retryable } = errorRules[code]
    expect(documented.get(code)).toMatchObject({ fallback: wording[fallback], mayPass: retryable ? 'yes' : 'no' })
    expect(documented.get(code)?.when).not.toBe('')
    expect(documented.get(code)?.advice).not.toBe('')
  })

  it('shows an example that runs', async () => {
    const source = /```ts\n([\s\S]*?)```/.exec(document)?.[1] ?? ''
    const { outputText } = ts.transpileModule(source, {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
    })
    const body = outputText.replace(/^import (\{.*\}) from 'edgeward';?$/m, 'const $1 = edgeward')
    // The example's own code, with the SDK in the place of its import.
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- running what the document shows is the test
    const example = new Function('edgeward', `${body}\nreturn vectorsOf`) as (
      sdk: typeof edgeward,
    ) => (texts: string[], signal: AbortSignal) => Promise<unknown>
    const vectorsOf = example(edgeward)
    // Node has no workers of the web platform, which makes it a device that cannot.
    await expect(vectorsOf(['a text'], new AbortController().signal)).resolves.toEqual({
      problem: 'This browser cannot run the model.',
    })
    await expect(vectorsOf(['a text'], AbortSignal.abort())).resolves.toEqual({})
  })
})
