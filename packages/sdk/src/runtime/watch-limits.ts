/** What hangs together with a load, and for how long it may be silent. */
import type { Backend } from '../contract/index.js'
import type { PrepareEvent } from '../transport/index.js'
import type { Group } from './watchdog.js'

/** While a load waits for the network, for other tabs or for the disk, the worker only has to answer. */
export function groupOf(
  { phase }: Extract<PrepareEvent, { type: 'progress' }>,
  backend: Backend | undefined,
  own: Group,
): Group {
  if (phase === 'runtime') return own
  return (phase === 'session' || phase === 'canary') && backend !== undefined ? backend : 'answers'
}

/**
 * Of a worker that only has to answer. Nothing but runs and sessions keeps it from that for long, and it is waited for often:
 * Firefox, when the machine is busy, was seen to block for ever in `new Worker`, which ONNX Runtime calls for each of its
 * threads when it starts, and with it the whole worker. But a few seconds it may always take. The start of a runtime may still
 * wait for its binary, which comes without a word: 14 MB in three minutes is a line of 0.6 Mbit/s. Once it is there, the worker
 * itself gives the start 30 s.
 */
export function limitOf(group: Group, hangMs: number): number {
  if (group === 'answers') return Math.max(hangMs / 3, Math.min(hangMs, 5_000))
  return group.startsWith('load') ? 3 * hangMs : hangMs
}
