/** Writes the comparison as Markdown. Pure. */
import type { Line } from './line.js'
import type { Side } from './subject.js'
import type { Result } from './verdict.js'

export interface PlayedLine extends Pick<Line, 'row' | 'failure' | 'injected'> {
  /** Or why it could not be played. */
  readonly results: Readonly<Record<Side, Result | { readonly notRun: string }>>
}

export interface Comparison {
  readonly date: string
  readonly machine: string
  readonly boundMs: number
  readonly versions: Readonly<
    Record<'edgeward' | 'edgewardRuntime' | 'transformers' | 'transformersRuntime' | 'chromium', string>
  >
  readonly lines: readonly PlayedLine[]
  /** By the row. */
  readonly doesNotApply: Readonly<Record<string, string>>
}

const mostOfAnError = 90

export function toMarkdown({ date, machine, boundMs, versions, lines, doesNotApply }: Comparison): string {
  const names = `Transformers.js ${versions.transformers} | Edgeward ${versions.edgeward} alone | with an endpoint`
  const rows = lines.map(({ row, failure, injected, results: { transformers, alone, endpoint } }) => {
    const cells = [failure, injected, cell(transformers), cell(alone), cell(endpoint)]
    return `| ${[row, ...cells.map((text) => text.replaceAll('|', '\\|'))].join(' | ')} |`
  })
  const left = Object.entries(doesNotApply).map(([row, reason]) => `- ${row}: ${reason}`)
  return `Run on ${date}: Transformers.js ${versions.transformers} (onnxruntime-web ${versions.transformersRuntime}), Edgeward ${versions.edgeward} (onnxruntime-web ${versions.edgewardRuntime}), Chromium ${versions.chromium}, ${machine}. Nobody waited longer than ${boundMs / 1000} s for a request.

| | failure | injected | ${names} |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}

What was not compared:

${left.join('\n')}
`
}

function cell(result: Result | { readonly notRun: string }): string {
  if ('notRun' in result) return `not run: ${clipped(result.notRun)}`
  const { verdict, recovery, phases } = result
  if (verdict === 'survived' && recovery === 'at once') return '**survived**'
  const errorsOf = (phase: string) => phases.find((report) => report.phase === phase)?.errors ?? []
  // Of several, the last one: of pages that were killed one after the other, too.
  const error = errorsOf(verdict === 'survived' ? 'after' : 'during').at(-1) ?? ''
  const told = error === '' ? '' : `: \`${clipped(error).replaceAll('`', "'")}\``
  if (verdict === 'survived') return `survived, but not what came after${told}; ${again(recovery)}`
  return `**${verdict}**${told}; ${again(recovery)}`
}

function again(recovery: Result['recovery']): string {
  if (recovery === 'never') return 'still not well after a reload'
  return `answers again ${recovery === 'at once' ? 'when it is over' : recovery}`
}

function clipped(text: string): string {
  return text.length > mostOfAnError ? `${text.slice(0, mostOfAnError)}…` : text
}
