/** Writes every request to the console: one line, and its spans as a table inside. */
import type { Trace } from '../../contract/index.js'
import { describePlacement, describeTrace } from './describe-trace.js'
import type { RequestSource } from './request-source.js'

/** The part of the console that is written to. */
export type TableConsole = Pick<Console, 'groupCollapsed' | 'table' | 'log' | 'groupEnd'>

/**
 * Writes one collapsed line for each request that has ended: model, task, milliseconds, who answered, the phases. Opened, it
 * shows the spans as a table, and what happened meanwhile.
 *
 * @param edge - the client
 * @returns the undo
 */
export function logToConsole(edge: RequestSource, output: TableConsole = console): () => void {
  return edge.on('request', (trace) => {
    output.groupCollapsed(`edgeward ${describeTrace(trace)}`)
    output.table(rowsOf(trace))
    for (const { atMs, what, text } of trace.notes) output.log(`${atMs.toFixed(1)} ms: ${what}: ${text}`)
    output.groupEnd()
  })
}

function rowsOf({ spans }: Trace) {
  return spans.map(({ name, startMs, durationMs, placement, outcome }) => ({
    span: name,
    'start (ms)': Number(startMs.toFixed(1)),
    'duration (ms)': Number(durationMs.toFixed(1)),
    placement: placement === undefined ? '' : describePlacement(placement),
    outcome: outcome ?? '',
  }))
}
